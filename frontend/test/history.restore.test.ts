// @vitest-environment happy-dom
import type { NodeType } from '@tiptap/pm/model'
import { expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { makeEditor, undoManager } from '../src/editor'
import type { Group } from '../src/history/chunks'
import { Past, type Change, type Paper, type Restored, type Wanted } from '../src/history/past'
import { CHILD, type Strand } from '../src/history/strand'
import type { View } from '../src/history/views'
import { asked } from '../src/history/wanted'
import { bringBack } from '../src/restoring'
import { BODY, TITLE } from '../src/schema'
import { author, edited, isValid, joined, ofStrand, ofTypes, paper, skeleton, type Canonical } from './canonical'
import { dice, seed } from './seed'
import { replayed, schema, session, Writer } from './writers'

const SESSIONS = Number(process.env.SESSIONS ?? 15)
const MARK = '◆'
const RESTORE = Symbol('restore')

const canonical = (doc: Y.Doc) => ({ title: doc.getText(TITLE).toString(), body: ofTypes(doc.getXmlFragment(BODY)) })

/** The texts of a doc, with the ids of their items. */
function textsOf(parent: Y.XmlFragment | Y.XmlElement): Y.XmlText[] {
  return (parent.toArray() as (Y.XmlElement | Y.XmlText)[]).flatMap((child) => (child instanceof Y.XmlText ? [child] : textsOf(child)))
}

/** Is a text with this item there for a view, and all that it stands in? */
function holds(strand: Strand, view: View, id: string): boolean {
  for (let piece = 0; piece < strand.count; piece++) {
    if (strand.kind[piece] !== CHILD || !view.has(strand, piece)) continue
    if (`${strand.client[piece]} ${strand.clock[piece]}` === id || holds(strand.child(piece), view, id)) return true
  }
  return false
}

const plain = (text: Y.XmlText) => (text.toDelta() as { insert: string }[]).map(({ insert }) => insert).join('')
const idOf = ({ _item }: Y.XmlText) => `${_item?.id.client} ${_item?.id.clock}`

/** The same without marks. */
const without = (content: Canonical[]): Canonical[] =>
  joined(content.map((node) => ('text' in node ? { ...node, text: node.text.replaceAll(MARK, '') } : { ...node, content: without(node.content) })))

/** The editor wants a block: where there was none, an empty line is. */
const filled = (body: Canonical[]): Canonical[] => (body.length ? body : [{ name: 'paragraph', attributes: {}, content: [] }])

test(`what is restored is what was wanted, and what others write meanwhile stays (seed ${seed})`, async () => {
  let restorations = 0
  for (let at = 0; at < SESSIONS; at++) {
    const roll = dice(seed + at)
    const { groups, writers } = session(seed + at)
    const past = await Past.of(groups, author)
    const { weave } = past
    const somebody = () => writers[roll(writers.length)]?.user ?? null
    const moment = () => groups[roll(groups.length)]?.last ?? 0
    for (const kind of ['whole', 'person', 'block', 'start'] as const) {
      const where = `session ${at}, ${kind}`
      const into = paper()
      let [what, view]: [Wanted, View | null] = [{ to: kind === 'start' ? 0 : moment() }, null]
      if (kind === 'person') what = { user: somebody(), after: roll(groups.length), until: past.head }
      if (kind === 'block') {
        past.drawMoment(into, moment())
        const block = into.body.children[roll(into.body.children.length)]
        what = { to: moment(), elements: [block instanceof HTMLElement ? block : into.title] }
      } else view = asked(weave, what)
      const live = replayed(groups, groups.length)
      const before = canonical(live)
      const result = past.restore(what)
      if (!result) {
        if (view) expect(filled(ofStrand(weave.body, view)), where).toEqual(before.body)
        continue
      }
      restorations += 1
      // Somebody writes while it is made.
      const texts = textsOf(live.getXmlFragment(BODY))
      const marked = Array.from({ length: Math.min(3, texts.length) }, () => texts[roll(texts.length)] as Y.XmlText)
      for (const text of marked) {
        const at = roll(text.length + 1)
        text.insert(/[\udc00-\udfff]/.test(plain(text)[at] ?? '') ? at - 1 : at, MARK)
      }
      const written = canonical(live)
      const undo = undoManager(live)
      undo.trackedOrigins.add(RESTORE)
      live.transact((transaction) => {
        Y.applyUpdate(live, result.update)
        transaction.local = true
      }, RESTORE)
      const after = canonical(live)
      if (view) {
        const wanted = ofStrand(weave.body, view)
        // What the editor would delete, because it does not fit its schema, is made to fit.
        if (isValid(wanted)) expect(without(after.body), where).toEqual(filled(wanted))
        else if (isValid(before.body)) expect(isValid(after.body), where).toBe(true)
        for (const text of marked) if (holds(weave.body, view, idOf(text))) expect(text.toString(), where).toContain(MARK)
      }
      if (kind === 'whole' && 'to' in what) {
        const { to } = what
        const then = canonical(replayed(groups, groups.findIndex(({ last }) => last === to) + 1))
        if (isValid(then.body)) expect(without(after.body), where).toEqual(filled(then.body))
        expect(after.title, where).toBe(then.title)
      }
      undo.undo()
      expect(canonical(live), where).toEqual(written)
      // Nothing is left to do when it has been done.
      const done = await Past.of([...groups, { first: past.head + 1, last: past.head + 1, user: 9, session: '9', time: 0, update: result.update }], author)
      if (view && isValid(ofStrand(weave.body, view))) expect(done.restore('user' in what ? { to: done.head } : what), where).toBeNull()
      done.destroy()
    }
    past.destroy()
  }
  expect(restorations).toBeGreaterThan(SESSIONS)
}, 300_000)

/** Are all characters there, in their order? */
function isWithin(words: string, text: string): boolean {
  let at = -1
  return [...words].every((character) => (at = text.indexOf(character, at + 1)) >= 0)
}

test(`to undo one change leaves all the others (seed ${seed})`, async () => {
  const undone = new Set<string>()
  for (let at = 0; at < SESSIONS; at++) {
    const roll = dice(seed - at)
    const { groups } = session(seed + at)
    const past = await Past.of(groups, author)
    const { weave } = past
    const into = paper()
    for (let sample = 0; sample < 6; sample++) {
      const changes = past.drawDifference(into, groups[roll(groups.length)]?.last ?? 0, past.head, null)
      const change = changes[roll(changes.length)]
      if (!change) continue
      const own = `[data-change="${change.index}"]`
      // An element that others have filled since stays; that is a story of its own.
      if (into.body.querySelector(`.ins-block${own} :is(ins, .ins-block):not(${own})`)) continue
      const where = `session ${at}, ${change.kind} ${change.words}, ${change.first} to ${change.last}`
      const left = `:is(ins, .ins-block)${own}, :is(del, .del-block):not(${own})`
      const expected = [skeleton(into.title, left, false), skeleton(into.body, left, false)]
      const gone = [...into.body.querySelectorAll(`del${own}`)].map(({ textContent }) => textContent)
      const result = past.restore({ change })
      const live = replayed(groups, groups.length)
      if (result) Y.applyUpdate(live, result.update)
      const page = paper()
      page.title.textContent = live.getText(TITLE).toString()
      page.body.innerHTML = edited(ofTypes(live.getXmlFragment(BODY)))
      // With a block comes back what was written and deleted in it in between, and with a text the block that it stood in.
      const isMore = change.elements.some((element) => element.matches('.del-block') || element.closest('.del-block'))
      if (!isValid(ofStrand(weave.body, asked(weave, { change })))) continue
      if (isMore) for (const words of gone) expect(isWithin(words, page.body.textContent), where).toBe(true)
      else expect([skeleton(page.title, '.none', false), skeleton(page.body, '.none', false)], where).toEqual(expected)
      // Two may have set or formatted the same: then it stays so. And what is replaced by the same reads the same.
      if (change.kind === 'added' || change.kind === 'removed') expect(result, where).not.toBeNull()
      if (result) undone.add(change.kind)
      // What was announced is what is done.
      past.drawRestored(into, { change })
      expect(skeleton(into.body, 'del, .del-block', true), where).toEqual(skeleton(page.body, '.none', true))
    }
    past.destroy()
  }
  if (SESSIONS >= 40) expect([...undone]).toEqual(expect.arrayContaining(['added', 'formatted', 'removed', 'replaced']))
}, 300_000)

test(`one block comes back as it was, and no other is touched (seed ${seed})`, async () => {
  let restored = 0
  for (let at = 0; at < SESSIONS; at++) {
    const roll = dice(seed + at)
    const { groups } = session(seed + at)
    const past = await Past.of(groups, author)
    const into = paper()
    for (let sample = 0; sample < 4; sample++) {
      const to = groups[roll(groups.length)]?.last ?? 0
      past.drawMoment(into, to)
      const which = roll(into.body.children.length)
      const block = into.body.children[which]
      // What does not fit the schema is made to fit.
      if (!(block instanceof HTMLElement) || !isValid(ofStrand(past.weave.body, asked(past.weave, { to })).slice(which, which + 1))) continue
      const live = replayed(groups, groups.length)
      const blocks = (doc: Y.Doc) => ofTypes(doc.getXmlFragment(BODY)).map((node) => edited([node]))
      const before = blocks(live)
      const result = past.restore({ to, elements: [block] })
      if (result) Y.applyUpdate(live, result.update)
      const after = blocks(live)
      const page = document.createElement('div')
      page.append(block.cloneNode(true))
      for (const coloured of page.querySelectorAll('[class^=tk-]')) coloured.replaceWith(...coloured.childNodes)
      const where = `session ${at}, block ${page.textContent} at ${to}`
      for (const added of page.querySelectorAll('.ProseMirror-trailingBreak')) added.remove()
      for (const box of page.querySelectorAll('input')) for (const name of ['disabled', 'aria-label']) box.removeAttribute(name)
      page.normalize()
      expect(after, where).toContain(page.innerHTML)
      after.splice(after.indexOf(page.innerHTML), 1)
      for (const other of after) expect(before, where).toContain(other)
      restored += Number(!!result)
    }
    past.destroy()
  }
  expect(restored).toBeGreaterThan(SESSIONS / 2)
}, 300_000)

/** A past of edits through the editor's steps, one entry each. */
async function written(...edits: ((writer: Writer) => void)[]): Promise<{ past: Past; live: Y.Doc; into: Paper }> {
  const writer = new Writer(1, 1, dice(1))
  const groups: Group[] = []
  for (const [at, edit] of edits.entries()) {
    edit(writer)
    const updates = writer.outbox.splice(0).map(({ update }) => update)
    groups.push({ first: at + 1, last: at + 1, user: 1 + (at % 2), session: '1', time: at * 600_000, update: Y.mergeUpdates(updates) })
  }
  return { past: await Past.of(groups, author), live: writer.doc, into: paper() }
}

const paragraph = (words: string) => schema.node('paragraph', null, words ? [schema.text(words)] : [])
const insert = (at: number, node: Parameters<Parameters<Writer['edit']>[0]>[0]['doc']) => (writer: Writer) => writer.edit((tr) => tr.insert(at, node))

test('a heading gets its level back', async () => {
  const heading = schema.node('heading', { level: 2 }, [schema.text('Dates')])
  const { past, live, into } = await written(insert(0, heading), (writer) => writer.edit((tr) => tr.setNodeAttribute(0, 'level', 3)))
  const [change] = past.drawDifference(into, 1, 2, null)
  expect(change).toMatchObject({ kind: 'set', user: 2, words: 'heading 2 → heading 3', where: 'Dates' })
  expect(change?.elements.map(({ tagName }) => tagName)).toEqual(['H3'])
  Y.applyUpdate(live, (past.restore({ change: change as Change }) as Restored).update)
  expect(edited(ofTypes(live.getXmlFragment(BODY)))).toBe('<h2>Dates</h2>')
})

test('a paragraph that has become a heading comes back in its place', async () => {
  const { past, live, into } = await written(
    insert(0, paragraph('Dates')),
    insert(7, paragraph('More')),
    (writer) => writer.edit((tr) => tr.setBlockType(1, 1, schema.nodes.heading as NodeType, { level: 1 })),
    (writer) => writer.edit((tr) => tr.setBlockType(1, 1, schema.nodes.heading as NodeType, { level: 2 })),
    (writer) => writer.edit((tr) => tr.setBlockType(1, 1, schema.nodes.codeBlock as NodeType)),
  )
  past.drawMoment(into, 2)
  const result = past.restore({ to: 2, elements: [into.body.firstElementChild as HTMLElement] })
  Y.applyUpdate(live, (result as Restored).update)
  expect(edited(ofTypes(live.getXmlFragment(BODY)))).toBe('<p>Dates</p><p>More</p>')
})

test('only the words that are selected come back', async () => {
  const { past, live, into } = await written(
    insert(0, paragraph('keep every word of this')),
    insert(0, paragraph('above')),
    (writer) => writer.edit((tr) => tr.delete(13, 31)),
    insert(0, paragraph('new')),
  )
  expect(edited(ofTypes(live.getXmlFragment(BODY)))).toBe('<p>new</p><p>above</p><p>keep </p>')
  past.drawMoment(into, 2)
  document.body.append(into.body)
  const text = into.body.lastElementChild?.firstChild as Node
  const selection = document.createRange()
  selection.setStart(text, 5)
  selection.setEnd(text, 15)
  // In the meantime somebody goes on.
  Y.applyUpdate(live, (past.restore({ to: 2, selection }) as Restored).update)
  expect(edited(ofTypes(live.getXmlFragment(BODY)))).toBe('<p>new</p><p>above</p><p>keep every word</p>')
  into.body.remove()
})

test('selected words come back with the block that held them', async () => {
  const { past, live, into } = await written(insert(0, paragraph('the whole of it')), insert(0, paragraph('above')), (writer) => writer.edit((tr) => tr.delete(7, 24)))
  past.drawMoment(into, 2)
  document.body.append(into.body)
  const text = into.body.lastElementChild?.firstChild as Node
  const selection = document.createRange()
  selection.setStart(text, 4)
  selection.setEnd(text, 9)
  const what = { to: 2, selection }
  expect(past.drawRestored(into, what).map(({ kind, words }) => [kind, words])).toEqual([['added', '“whole”']])
  Y.applyUpdate(live, (past.restore(what) as Restored).update)
  expect(edited(ofTypes(live.getXmlFragment(BODY)))).toBe('<p>above</p><p>whole</p>')
  into.body.remove()
})

test('nothing comes of restoring what is there', async () => {
  const { past, into } = await written(insert(0, paragraph('one')), insert(5, paragraph('two')))
  past.drawMoment(into, 2)
  expect(past.restore({ to: 2 })).toBeNull()
  expect(past.restore({ to: 2, elements: [...into.body.children] as HTMLElement[] })).toBeNull()
  expect(past.restore({ user: 7, after: 0, until: 2 })).toBeNull()
  expect(() => past.restore({ to: 2, elements: [document.createElement('p')] })).toThrow('expected an element that was drawn, got <p class="">')
})

test('an open editor shows what comes back, and changes nothing about it', async () => {
  const cell = (words: string) => schema.node('tableCell', null, [paragraph(words)])
  const blocks = [
    schema.node('heading', { level: 2 }, [schema.text('Dates')]),
    schema.node('paragraph', null, [schema.text('a '), schema.text('bold', [schema.mark('bold')]), schema.text(' link', [schema.mark('link', { href: 'https://a.example' })]), schema.node('hardBreak'), schema.text('𝄞')]),
    schema.node('taskList', null, [schema.node('taskItem', { checked: true }, [paragraph('done'), schema.node('bulletList', null, [schema.node('listItem', null, [paragraph('inner')])])])]),
    schema.node('codeBlock', { language: 'js' }, [schema.text('const a = 1\n')]),
    schema.node('table', null, [schema.node('tableRow', null, [cell('one'), cell('two')])]),
    schema.node('horizontalRule'),
  ]
  const { past, live } = await written((writer) => writer.edit((tr) => tr.insert(0, blocks)), (writer) => writer.edit((tr) => tr.delete(0, tr.doc.content.size)))
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(live))
  const awareness = new Awareness(doc)
  const editor = makeEditor(document.body.appendChild(document.createElement('div')), { doc, awareness, undo: undoManager(doc), editable: true })
  const made: unknown[] = []
  doc.on('update', (_update: Uint8Array, origin: unknown) => origin !== RESTORE && made.push(origin))
  Y.applyUpdate(doc, (past.restore({ to: 1 }) as Restored).update, RESTORE)
  expect(editor.state.doc.content.toJSON()).toEqual(blocks.map((block) => block.toJSON() as unknown))
  expect(made).toEqual([])
  editor.destroy()
  awareness.destroy()
})

test('a restore to the very beginning leaves one empty line, which goes again with undo, whoever has the note open', async () => {
  const log: Group[] = []
  const people = [1, 2].map((user) => {
    const doc = new Y.Doc()
    const undo = undoManager(doc)
    const awareness = new Awareness(doc)
    const element = document.body.appendChild(document.createElement('div'))
    return { user, doc, undo, awareness, editor: makeEditor(element, { doc, awareness, undo, editable: true }) }
  })
  for (const { user, doc } of people)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === 'wire') return
      log.push({ first: log.length + 1, last: log.length + 1, user, session: '1', time: 0, update })
      for (const other of people) if (other.doc !== doc) Y.applyUpdate(other.doc, update, 'wire')
    })
  const [ana, ben] = people as [(typeof people)[0], (typeof people)[0]]
  const reads = () => people.map(({ editor }) => editor.getHTML())
  ben.editor.commands.setContent({ type: 'doc', content: [paragraph('one'), paragraph('two')].map((node) => node.toJSON() as object) })
  const written = reads()
  for (let round = 0; round < 3; round++) {
    const past = await Past.of(log, author)
    const { update } = past.restore({ to: 0 }) as Restored
    const takeBack = bringBack(ana.doc, ana.undo, update)
    // Whatever is clicked next, an editor looks at what it shows.
    for (const { editor } of people) editor.commands.setTextSelection(0)
    expect(reads()).toEqual(['<p></p>', '<p></p>'])
    expect(ana.doc.getXmlFragment(BODY).length).toBe(1)
    const again = await Past.of(log, author)
    expect(again.restore({ to: 0 })).toBeNull()
    takeBack?.()
    for (const { editor } of people) editor.commands.setTextSelection(0)
    expect(reads()).toEqual(written)
    expect(ofTypes(ben.doc.getXmlFragment(BODY))).toEqual(ofTypes(ana.doc.getXmlFragment(BODY)))
    past.destroy()
    again.destroy()
  }
  for (const { editor, awareness } of people) {
    editor.destroy()
    awareness.destroy()
  }
})
