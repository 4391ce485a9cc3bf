import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { LIMITS, split } from '../src/split'
import { dice, seed } from './seed'

const small = { bytes: 400, structs: 9, ranges: 5, clients: 2 }

/** People who write in one note at once, each seeing the others now and then; what they made since `since`. */
function session(roll: (end: number) => number, people: number, edits: number): Y.Doc {
  const docs = Array.from({ length: people }, (_, at) => {
    const doc = new Y.Doc()
    doc.clientID = 1000 + roll(100) * 10 + at
    return doc
  })
  const words = ['a', 'Grüße', '😀😀😀', 'long '.repeat(60), '\ud83d\udc69\u200d\ud83d\udcbb']
  for (let n = 0; n < edits; n++) {
    const doc = docs[roll(people)] as Y.Doc
    const body = doc.getXmlFragment('body')
    const title = doc.getText('title')
    const kind = roll(6)
    if (kind === 0 || !body.length) {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.setAttribute('id', String(n))
      paragraph.insert(0, [new Y.XmlText()])
      body.insert(roll(body.length + 1), [paragraph])
    } else if (kind === 1) title.insert(roll(title.length + 1), words[roll(words.length)] as string)
    else if (kind === 2 && title.length) title.delete(roll(title.length), 1)
    else if (kind === 3 && body.length > 1) body.delete(roll(body.length), 1)
    else {
      const text = (body.get(roll(body.length)) as Y.XmlElement).get(0) as Y.XmlText
      if (kind === 4 && text.length) text.format(0, text.length, { bold: true })
      else text.insert(roll(text.length + 1), words[roll(words.length)] as string)
    }
    const other = docs[roll(people)] as Y.Doc
    if (roll(3) === 0) Y.applyUpdate(other, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)))
  }
  for (const doc of docs) Y.applyUpdate(docs[0] as Y.Doc, Y.encodeStateAsUpdate(doc))
  return docs[0] as Y.Doc
}

const contentOf = (doc: Y.Doc) => [doc.getText('title').toString(), doc.getXmlFragment('body').toString()]

function applied(pieces: Uint8Array[], onto: Uint8Array[] = []): Y.Doc {
  const doc = new Y.Doc()
  for (const update of [...onto, ...pieces]) {
    Y.applyUpdate(doc, update)
    expect(doc.store.pendingStructs, 'a piece waits for a later one').toBeNull()
    expect(doc.store.pendingDs, 'a deletion waits for what it deletes').toBeNull()
  }
  return doc
}

describe('an update in pieces', () => {
  test(`is the same as the whole (seed ${seed})`, () => {
    const roll = dice()
    for (let round = 0; round < 60; round++) {
      const whole = session(roll, 1 + roll(5), 20 + roll(150))
      const update = Y.encodeStateAsUpdate(whole)
      const pieces = split(update, whole, small)
      const doc = applied(pieces)
      expect(contentOf(doc)).toEqual([whole.getText('title').toString(), whole.getXmlFragment('body').toString()])
      expect(Y.encodeStateVector(doc)).toEqual(Y.encodeStateVector(applied([update])))
      for (const piece of pieces) {
        const { structs, ds } = Y.decodeUpdate(piece)
        expect(structs.length).toBeLessThanOrEqual(small.structs)
        expect([...ds.clients.values()].flat().length).toBeLessThanOrEqual(small.ranges)
        expect(new Set(structs.map(({ id }) => id.client)).size).toBeLessThanOrEqual(small.clients)
        // One item can carry its header and an attribute beyond the string that is cut.
        expect(piece.length).toBeLessThanOrEqual(small.bytes + 64)
      }
    }
  })

  test(`follows on what the other side already has (seed ${seed})`, () => {
    const roll = dice(seed + 1)
    for (let round = 0; round < 30; round++) {
      const base = session(roll, 3, 80)
      // As in a page, where undo keeps what one has deleted.
      base.gc = false
      const known = Y.encodeStateAsUpdate(base)
      const edits: Uint8Array[] = []
      base.on('update', (update: Uint8Array) => edits.push(update))
      for (let n = 0; n < 30; n++) base.getText('title').insert(roll(base.getText('title').length + 1), 'word ')
      base.getXmlFragment('body').delete(0, base.getXmlFragment('body').length)
      const pieces = split(Y.mergeUpdates(edits), base, small)
      expect(contentOf(applied(pieces, [known]))).toEqual(contentOf(base))
      // No words go before the piece that names them.
      const other = applied([known])
      let named = Y.createDeleteSet()
      other.on('beforeObserverCalls', (transaction: Y.Transaction) =>
        Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct) => {
          if (struct instanceof Y.Item && struct.content instanceof Y.ContentString) expect(Y.isDeleted(named, struct.id)).toBe(true)
        }))
      for (const piece of pieces) {
        named = Y.mergeDeleteSets([named, Y.decodeUpdate(piece).ds])
        Y.applyUpdate(other, piece)
      }
    }
  })

  test('never cuts a character in two', () => {
    const doc = new Y.Doc()
    doc.getText('title').insert(0, 'x' + '😀'.repeat(5000))
    const pieces = split(Y.encodeStateAsUpdate(doc), doc, small)
    expect(pieces.length).toBeGreaterThan(20)
    expect(applied(pieces).getText('title').toString()).toBe('x' + '😀'.repeat(5000))
  })

  test('is the update itself when it is small enough', () => {
    const doc = new Y.Doc()
    doc.getText('title').insert(0, 'One keystroke after the other, but not too many of them')
    const update = Y.encodeStateAsUpdate(doc)
    expect(split(update, doc)).toEqual([update])
  })

  test('takes a paste of five megabytes', () => {
    const doc = new Y.Doc()
    doc.getText('title').insert(0, 'ä'.repeat(2_500_000))
    const pieces = split(Y.encodeStateAsUpdate(doc), doc)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(LIMITS.bytes)
    expect(applied(pieces).getText('title').length).toBe(2_500_000)
  })

  test('says so when it can never be merged', () => {
    const update = Y.encodeStateAsUpdate(session(dice(7), 2, 30))
    // Cut off in the middle: not an update at all.
    expect(() => split(update.slice(0, update.length - 8), new Y.Doc(), small)).toThrow()
  })
})
