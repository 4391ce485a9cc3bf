// @vitest-environment happy-dom
import type { Editor } from '@tiptap/core'
import { afterEach, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { DEEPEST, LONGEST } from '../src/bounds'
import { makeEditor, undoManager } from '../src/editor'
import { linkTo } from '../src/tools/link'

let leave: (() => void)[] = []
afterEach(() => {
  for (const end of leave) end()
  leave = []
})

function writer(): { editor: Editor; doc: Y.Doc } {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const element = document.body.appendChild(document.createElement('div'))
  const editor = makeEditor(element, { doc, awareness, undo: undoManager(doc), editable: true })
  leave.push(() => {
    editor.destroy()
    awareness.destroy()
  })
  return { editor, doc }
}

/** Types in each other, as the server counts them. */
function types(node: Y.XmlFragment | Y.XmlElement | Y.XmlText): number {
  return node instanceof Y.XmlText ? 1 : 1 + Math.max(0, ...node.toArray().map((child) => types(child as Y.XmlElement)))
}

const deep = (doc: Y.Doc) => types(doc.getXmlFragment('body')) - 1

function paste(editor: Editor, html: string): void {
  editor.view.pasteHTML(html)
}

/** Keys, as the browser tells the editor of them. */
function type(editor: Editor, words: string): void {
  const { view } = editor
  for (let at = 0; at < words.length; at++) {
    const { from, to } = view.state.selection
    const plain = () => view.state.tr.insertText(words.charAt(at), from, to)
    if (!view.someProp('handleTextInput', (handle) => handle(view, from, to, words.charAt(at), plain))) view.dispatch(plain())
  }
}

test('quotes are typed in each other until that is deep enough, and what comes then is text', () => {
  const { editor, doc } = writer()
  type(editor, `${'> '.repeat(70)}deep`)
  // One less than there may be, for a list would have needed two.
  expect(deep(doc)).toBe(DEEPEST)
  expect(editor.getText().trim()).toBe(`${'> '.repeat(70 - DEEPEST + 2)}deep`)
})

test('Tab brings an item no deeper than the sixteenth list', () => {
  const { editor, doc } = writer()
  editor.commands.setContent('<ul><li>a</li><li>b</li></ul>')
  editor.commands.setTextSelection(editor.state.doc.content.size - 3)
  for (let n = 0; n < 40; n++) {
    editor.commands.sinkListItem('listItem')
    editor.commands.insertContent(`l${n}`)
    editor.commands.splitListItem('listItem')
    editor.commands.insertContent('x')
  }
  expect(deep(doc)).toBe(DEEPEST + 1)
  for (let n = 0; n < 40; n++) expect(editor.getText()).toContain(`l${n}`)
})

test.each(['ul', 'ol', 'blockquote'])('a pasted %s of forty in each other is made shallower, and keeps its words', (tag) => {
  const { editor, doc } = writer()
  const [open, close] = tag === 'blockquote' ? ['<blockquote>', '</blockquote>'] : [`<${tag}><li>`, `</li></${tag}>`]
  const words = Array.from({ length: 40 }, (_, n) => `w${n}.`)
  paste(editor, words.map((word) => `${open}<p>${word}</p>`).join('') + close.repeat(40))
  expect(deep(doc)).toBeLessThanOrEqual(DEEPEST + 1)
  expect(deep(doc)).toBeGreaterThan(DEEPEST - 3)
  expect(editor.getText().match(/w\d+\./g)).toEqual(words)
  editor.state.doc.check()
  // And once more, where there is no room left.
  paste(editor, words.map((word) => `${open}<p>${word}</p>`).join('') + close.repeat(40))
  expect(deep(doc)).toBeLessThanOrEqual(DEEPEST + 1)
  expect(editor.getText().match(/w\d+\./g)).toHaveLength(80)
  editor.state.doc.check()
})

test('who is deeper than that already goes on writing there, and others may bring what is deeper', () => {
  const { editor } = writer()
  const other = writer()
  const nested = (levels: number): object => (levels ? { type: 'blockquote', content: [nested(levels - 1)] } : { type: 'paragraph', content: [{ type: 'text', text: 'x' }] })
  const far = new Y.Doc()
  let parent: Y.XmlFragment | Y.XmlElement = far.getXmlFragment('body')
  for (let n = 0; n < 50; n++) {
    const quote = new Y.XmlElement('blockquote')
    parent.push([quote])
    parent = quote
  }
  const paragraph = new Y.XmlElement('paragraph')
  parent.push([paragraph])
  paragraph.push([new Y.XmlText('x')])
  Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(far))
  expect(other.editor.getText().trim()).toBe('x')
  other.editor.commands.setTextSelection(52)
  other.editor.commands.splitBlock()
  other.editor.commands.insertContent('y')
  expect(other.editor.getText()).toContain('y')
  editor.commands.insertContent(nested(50) as never)
  expect(editor.getText()).not.toContain('x')
})

test('an address that is too long is text', () => {
  const { editor } = writer()
  const long = `https://example.org/?q=${'a'.repeat(20_000)}`
  paste(editor, `<p><a href="${long}">words</a> <a href="https://example.org" title="${long}" rel="${long}">fine</a></p>`)
  expect([...editor.view.dom.querySelectorAll('a')].map((a) => a.textContent)).toEqual(['fine'])
  expect(editor.getText()).toContain('words')
  paste(editor, `<p>${long} </p>`)
  const longest = (text: string) => Math.max(...[...text.matchAll(/"(?:href|title|rel)":"([^"]*)"/g)].map(([, value]) => (value as string).length))
  expect(longest(JSON.stringify(editor.getJSON()))).toBeLessThanOrEqual(LONGEST)
  expect(linkTo(long)).toBeNull()
})

test('half a character is never written, and one that comes in halves is whole', () => {
  const { editor, doc } = writer()
  paste(editor, '<p>\ud83dx <a href="https://example.org/\ud83d">l</a> <code>y\ude00</code></p>')
  expect(JSON.stringify(editor.getJSON()).isWellFormed()).toBe(true)
  expect(doc.getXmlFragment('body').toString().isWellFormed()).toBe(true)
  editor.commands.clearContent()
  type(editor, 'a😀b')
  expect(editor.getText()).toBe('a😀b')
  type(editor, '\ude00')
  expect(editor.getText()).toBe('a😀b\ufffd')
})

test('a table that says to be a million cells wide is not', () => {
  const { editor } = writer()
  paste(editor, '<table><tr><td colspan="30000000">c</td></tr></table><ol start="99999999999999999999"><li>x</li></ol><ol start="2024"><li>y</li></ol>')
  expect(editor.getText()).toContain('c')
  expect(JSON.stringify(editor.getJSON())).not.toMatch(/\d{5}/)
  expect(JSON.stringify(editor.getJSON())).toContain('"start":2024')
})
