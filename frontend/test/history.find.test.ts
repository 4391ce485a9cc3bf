// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import type { Group } from '../src/history/chunks'
import { Past } from '../src/history/past'
import { CHILD, TEXT, type Strand } from '../src/history/strand'
import { Moment } from '../src/history/views'
import { TITLE } from '../src/schema'
import { author, paper } from './canonical'
import { dice, seed } from './seed'
import { schema, session, Writer } from './writers'

/** A past of one writer's edits, one entry each, a minute apart. */
async function written(...edits: ((writer: Writer) => void)[]): Promise<Past> {
  const writer = new Writer(1, 1, dice(1))
  const groups = edits.map((edit, at): Group => {
    edit(writer)
    const updates = writer.outbox.splice(0).map(({ update }) => update)
    return { first: at + 1, last: at + 1, user: 1, session: '1', time: at * 60_000, update: Y.mergeUpdates(updates) }
  })
  return Past.of(groups, author)
}

const block = (name: string, words: string, at = 0) => (writer: Writer) =>
  writer.edit((tr) => tr.insert(at, schema.node(name, null, words ? [schema.text(words)] : [])))
const type = (at: number, words: string) => (writer: Writer) => writer.edit((tr) => tr.insert(at, schema.text(words)))
const erase = (from: number, to: number) => (writer: Writer) => writer.edit((tr) => tr.delete(from, to))

/** The letters with these ids. */
function lettersOf(past: Past, pieces: readonly [number, number, number][]): string {
  const letters = new Map<string, string>()
  for (const strand of [past.weave.title, ...[...past.weave.blocks()].flatMap(([inner]) => Array.from({ length: inner.count }, (_, piece) => inner.child(piece)))])
    for (let unit = 0; unit < strand.text.length; unit++) {
      const { client, clock } = strand.idAt(unit)
      letters.set(`${client} ${clock}`, strand.text[unit] ?? '')
    }
  return pieces.flatMap(([client, clock, length]) => Array.from({ length }, (_, at) => letters.get(`${client} ${clock + at}`))).join('')
}

test('words that were typed letter by letter, with a slip in between, are found when they are gone', async () => {
  const past = await written(block('paragraph', 'my '), ...[...'hunz'].map((letter, at) => type(4 + at, letter)), erase(7, 8), type(7, 't'), type(8, 'er2'), erase(1, 11), type(1, 'nothing'))
  const { pieces, present } = past.find('hunter2')
  expect(present).toBe(false)
  expect(lettersOf(past, pieces)).toBe('hunter2')
  expect(past.find('hunzt')).toEqual({ pieces: [], present: false })
  expect(past.find('')).toEqual({ pieces: [], present: false })
})

test('words that are still there are said to be, and what is there of others is not given away', async () => {
  const past = await written(block('paragraph', 'a secret'), block('paragraph', 'a secret'), erase(5, 8))
  const { pieces, present } = past.find('secret')
  expect(present).toBe(true)
  expect(lettersOf(past, pieces)).toBe('cre')
})

test('words in a block that was deleted, in the title, and in a link are found', async () => {
  const past = await written(
    block('paragraph', 'the secret block'),
    erase(0, 18),
    ({ doc }) => doc.getText(TITLE).insert(0, 'secret title'),
    ({ doc }) => doc.getText(TITLE).delete(0, 7),
  )
  expect(lettersOf(past, past.find('secret').pieces).match(/secret/g)).toHaveLength(2)
  const linked = await written(
    block('paragraph', 'here'),
    (writer) => writer.edit((tr) => tr.addMark(1, 5, schema.mark('link', { href: 'https://a.example/token' }))),
    (writer) => writer.edit((tr) => tr.removeMark(1, 5)),
  )
  expect(linked.find('token').present).toBe(false)
  expect(linked.find('token').pieces.length).toBeGreaterThan(0)
})

test(`wherever words stood at some moment, their letters are found (seed ${seed})`, async () => {
  let letters = 0
  for (let at = 0; at < 10; at++) {
    const { groups } = session(seed + at, 30)
    const past = await Past.of(groups, author)
    const texts: Strand[] = [past.weave.title]
    const collect = (strand: Strand) => {
      for (let piece = 0; piece < strand.count; piece++) if (strand.kind[piece] === CHILD) collect(strand.child(piece))
      if (strand.name === null) texts.push(strand)
    }
    collect(past.weave.body)
    const unitsOf = (strand: Strand, n: number) => {
      const view = new Moment(n)
      return Array.from({ length: strand.count }, (_, piece) => piece)
        .filter((piece) => strand.kind[piece] === TEXT && view.has(strand, piece))
        .flatMap((piece) => Array.from({ length: (strand.start[piece + 1] as number) - (strand.start[piece] as number) }, (_, offset) => (strand.start[piece] as number) + offset))
    }
    for (const words of ['ship', 'te', 'customers', 'late', '👩‍🚀', 'kee']) {
      const found = new Set(past.find(words).pieces.flatMap(([client, clock, length]) => Array.from({ length }, (_, offset) => `${client} ${clock + offset}`)))
      for (const strand of texts) {
        const now = new Set(unitsOf(strand, groups.length))
        for (let n = 1; n <= groups.length; n++) {
          const units = unitsOf(strand, n)
          const text = units.map((unit) => strand.text[unit]).join('')
          for (let place = text.indexOf(words); place >= 0; place = text.indexOf(words, place + 1))
            for (const unit of units.slice(place, place + words.length)) {
              const { client, clock } = strand.idAt(unit)
              if (now.has(unit)) continue
              letters += 1
              expect(found.has(`${client} ${clock}`), `session ${at}, ${words} after ${n}`).toBe(true)
            }
        }
      }
    }
    past.destroy()
  }
  expect(letters).toBeGreaterThan(50)
})

test('a sitting names the headings under which something was written', async () => {
  const past = await written(
    block('paragraph', 'first'),
    block('heading', 'Dates', 7),
    block('paragraph', 'when', 14),
    ({ doc }) => doc.getText(TITLE).insert(0, 'Plan'),
    type(15, 'some'),
    block('horizontalRule', '', 0),
  )
  expect(past.places(1, 1)).toBe('')
  expect(past.places(1, 6)).toBe('Title, Opening, Dates')
  expect(past.places(3, 4)).toBe('Title, Dates')
  expect(past.places(5, 5)).toBe('Dates')
  expect(past.places(6, 6)).toBe('Opening')
})

test('somebody points at a letter and sees who wrote it', async () => {
  const past = await written(block('paragraph', 'ab'), type(2, 'XY'))
  const into = paper()
  past.drawMoment(into, 2)
  const text = into.body.firstElementChild?.firstChild as Node
  expect(text.textContent).toBe('aXYb')
  expect([0, 1, 2, 3, 9].map((offset) => past.written(text, offset)?.seq)).toEqual([1, 2, 2, 1, 1])
  expect(past.written(into.body, 0)).toBeNull()
})
