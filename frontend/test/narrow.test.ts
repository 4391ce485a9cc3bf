// @vitest-environment happy-dom
/** A key costs what it changes, in a note of any length: counted, not timed. */
import type { Editor } from '@tiptap/core'
import type { Node } from '@tiptap/pm/model'
import type { Transaction } from '@tiptap/pm/state'
import { afterEach, expect, test, vi } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { makeEditor, undoManager } from '../src/editor'
import { highlighter } from '../src/highlighter'
import { dice, seed } from './seed'

interface Writer { doc: Y.Doc; editor: Editor; awareness: Awareness }

const open: Writer[] = []
afterEach(() => {
  vi.restoreAllMocks()
  for (const { editor, awareness, doc } of open.splice(0)) {
    editor.destroy()
    awareness.destroy()
    doc.destroy()
  }
})

function writer(): Writer {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const element = document.body.appendChild(document.createElement('div'))
  const undo = undoManager(doc)
  // What one step of undo is must not depend on how busy the machine is.
  undo.captureTimeout = Infinity
  const made = { doc, awareness, editor: makeEditor(element, { doc, awareness, undo, editable: true }) }
  open.push(made)
  return made
}

const words = (text: string) => (text ? [{ type: 'text', text }] : [])
const paragraph = (text: string) => ({ type: 'paragraph', content: words(text) })
const code = (text: string) => ({ type: 'codeBlock', attrs: { language: 'python' }, content: words(text) })

/** So many paragraphs, with a block of code after each tenth. What one writes, the other has at once. */
function pair(paragraphs: number): [Writer, Writer] {
  const [ana, ben] = [writer(), writer()]
  for (const [from, to] of [[ana, ben], [ben, ana]] as const)
    from.doc.on('update', (update: Uint8Array, origin: unknown) => origin !== 'wire' && Y.applyUpdate(to.doc, update, 'wire'))
  const content = Array.from({ length: paragraphs }, (_, at) => (at % 10 === 9 ? [paragraph(`Line ${at}.`), code(`def part_${at}():\n    return "${at}"`)] : [paragraph(`Line ${at}.`)]))
  ana.editor.commands.setContent({ type: 'doc', content: content.flat() })
  return [ana, ben]
}

/** Where blocks of this kind begin. */
function places({ editor }: Writer, kind: string): number[] {
  const found: number[] = []
  editor.state.doc.descendants((node, at) => void (node.type.name === kind && found.push(at)))
  return found
}

const middleOf = (writer: Writer, kind: string) => {
  const found = places(writer, kind)
  return (found[found.length >> 1] as number) + 3
}

/** What `change` does to the document of this writer: how much of it its steps replace, and how many of its nodes are others afterwards. */
function done({ editor }: Writer, change: () => void): { transactions: number; replaced: number; fresh: number } {
  const { doc: before } = editor.state
  const changes: Transaction[] = []
  const heard = ({ transaction }: { transaction: Transaction }) => void (transaction.docChanged && changes.push(transaction))
  editor.on('transaction', heard)
  change()
  editor.off('transaction', heard)
  let replaced = 0
  for (const { mapping } of changes) for (const map of mapping.maps) map.forEach((_from, _to, from, to) => void (replaced += to - from))
  const known = new Set<Node>()
  before.descendants((node) => void known.add(node))
  let fresh = 0
  editor.state.doc.descendants((node) => void (known.has(node) || fresh++))
  return { transactions: changes.length, replaced, fresh }
}

for (const paragraphs of [10, 1000])
  test(`in a note of ${paragraphs} paragraphs a key of somebody else changes one block`, () => {
    const [ana, ben] = pair(paragraphs)
    for (const kind of ['paragraph', 'codeBlock']) {
      const at = middleOf(ben, kind)
      const cost = done(ana, () => ben.editor.commands.insertContentAt(at, 'x'))
      expect(cost.transactions).toBe(1)
      expect(cost.replaced).toBe(1)
      // The block, and the text in it.
      expect(cost.fresh).toBe(2)
      expect(ana.editor.getJSON()).toEqual(ben.editor.getJSON())
    }
  })

test('what stays is not compared with the doc: not when the caret moves, and not when somebody else has typed', () => {
  const [ana, ben] = pair(100)
  ana.editor.commands.insertContentAt(3, 'a')
  ben.editor.commands.insertContentAt(middleOf(ben, 'paragraph'), 'b')
  const compared = vi.spyOn(ana.doc.getXmlFragment('body'), 'toArray')
  for (const at of places(ana, 'paragraph').slice(0, 20)) ana.editor.commands.setTextSelection(at + 2)
  expect(compared).not.toHaveBeenCalled()
  ana.editor.commands.insertContentAt(3, 'c')
  expect(compared).toHaveBeenCalled()
})

test('only the code that changes is read again', async () => {
  const [ana, ben] = pair(500)
  await vi.waitFor(() => expect(ana.editor.view.dom.querySelectorAll('.tk-word').length).toBeGreaterThanOrEqual(100))
  await vi.waitFor(() => expect(ben.editor.view.dom.querySelectorAll('.tk-word').length).toBeGreaterThanOrEqual(100))
  const asked = vi.spyOn(highlighter, 'spans')
  const [read] = [highlighter.parsed]
  ana.editor.commands.insertContentAt(middleOf(ana, 'paragraph'), 'x')
  expect(asked).not.toHaveBeenCalled()
  ana.editor.commands.insertContentAt(middleOf(ana, 'codeBlock'), 'x')
  // Once for each of the two pages, which share what they know.
  expect([asked.mock.calls.length, highlighter.parsed - read]).toEqual([2, 1])
})

/** The note as somebody sees it who opens it now. */
function afresh({ doc }: Writer): string {
  const other = writer()
  Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(doc))
  return other.editor.view.dom.innerHTML
}

test(`whatever two people do, both see what is there, in the colours it has (seed ${seed})`, async () => {
  const roll = dice()
  const [ana, ben] = pair(30)
  await vi.waitFor(() => expect(ana.editor.view.dom.querySelector('.tk-word')).not.toBeNull())
  for (let turn = 0; turn < 200; turn++) {
    const { editor } = roll(2) ? ana : ben
    const end = editor.state.doc.content.size
    const [from, to] = [roll(end), roll(end)].sort((a, b) => a - b) as [number, number]
    const act = roll(8)
    editor.commands.setTextSelection({ from, to: Math.min(to, from + roll(60)) })
    if (act < 3) editor.commands.insertContent(['x', 'if ', '"', '# '][roll(4)] as string)
    else if (act === 3) editor.commands.deleteSelection()
    else if (act === 4) editor.commands.toggleCodeBlock({ language: 'python' })
    else if (act === 5) editor.chain().setTextSelection(from).splitBlock().run()
    else if (act === 6) editor.commands.insertContent([code('while True:\n    pass'), paragraph('end')])
    else editor.commands[roll(12) ? 'undo' : 'redo']()
    expect(ana.editor.getJSON()).toEqual(ben.editor.getJSON())
    expect(ana.doc.getXmlFragment('body').toString()).toBe(ben.doc.getXmlFragment('body').toString())
  }
  // Colours of the last grammars come in a turn of their own.
  await new Promise((resolve) => setTimeout(resolve))
  const plain = (html: string) => html.replace(/ class="(tiptap )?ProseMirror[^"]*"/, '')
  expect(plain(ana.editor.view.dom.innerHTML)).toBe(plain(afresh(ana)))
  expect(plain(ben.editor.view.dom.innerHTML)).toBe(plain(afresh(ben)))
})

test('long code keeps its colours while somebody types in it, and has the right ones when they rest', async () => {
  const [ana] = pair(10)
  ana.editor.commands.insertContentAt(0, code('value = "text"  # note\n'.repeat(300)))
  await vi.waitFor(() => expect(ana.editor.view.dom.querySelectorAll('pre:first-child .tk-note')).toHaveLength(300))
  const asked = vi.spyOn(highlighter, 'spans')
  ana.editor.commands.insertContentAt(1, '# ')
  expect(asked).not.toHaveBeenCalled()
  expect(ana.editor.view.dom.querySelectorAll('pre:first-child .tk-note')).toHaveLength(300)
  await vi.waitFor(() => expect(ana.editor.view.dom.querySelector('pre:first-child code')?.innerHTML).toBe(new DOMParser().parseFromString(afresh(ana), 'text/html').querySelector('pre:first-child code')?.innerHTML))
  expect(ana.editor.view.dom.querySelector('pre:first-child .tk-note')?.textContent).toBe('# value = "text"  # note')
})
