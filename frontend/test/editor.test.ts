// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Editor } from '@tiptap/core'
import { makeEditor, undoManager } from '../src/editor'
import { scrollTo } from '../src/presence'

interface Writer { doc: Y.Doc; editor: Editor; undo: Y.UndoManager; awareness: Awareness }

const open: Writer[] = []
afterEach(() => {
  for (const { editor, awareness, doc } of open.splice(0)) {
    editor.destroy()
    awareness.destroy()
    doc.destroy()
  }
})

function writer(): Writer {
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const undo = undoManager(doc)
  const element = document.body.appendChild(document.createElement('div'))
  const made = { doc, awareness, undo, editor: makeEditor(element, { doc, awareness, undo, editable: true }) }
  open.push(made)
  return made
}

/** What one writes, the other has at once. */
function pair(): [Writer, Writer] {
  const [ana, ben] = [writer(), writer()]
  for (const [from, to] of [[ana, ben], [ben, ana]] as const)
    from.doc.on('update', (update: Uint8Array, origin: unknown) => origin !== 'wire' && Y.applyUpdate(to.doc, update, 'wire'))
  return [ana, ben]
}

const paragraphs = ({ editor }: Writer) => (editor.getJSON().content ?? []).map((node) => node.content?.map((leaf) => ('text' in leaf ? leaf.text : '')).join('') ?? '')

/** The paragraph that holds the caret, and the offset in it. */
const caret = ({ editor }: Writer) => [editor.state.selection.$head.index(0), editor.state.selection.$head.parentOffset]

const paragraph = (words: string) => ({ type: 'paragraph', content: words ? [{ type: 'text', text: words }] : [] })

test('two people write in one text', () => {
  const [ana, ben] = pair()
  ana.editor.commands.setContent({ type: 'doc', content: [paragraph('one'), paragraph('two')] })
  ben.editor.commands.insertContentAt(4, ' and a half')
  expect(paragraphs(ana)).toEqual(['one and a half', 'two'])
  expect(paragraphs(ben)).toEqual(paragraphs(ana))
})

test('undo takes back only what one wrote oneself', () => {
  const [ana, ben] = pair()
  ana.editor.commands.insertContent('Ana')
  ben.editor.commands.insertContentAt(4, ' and Ben')
  ana.editor.commands.undo()
  expect(paragraphs(ben)).toEqual([' and Ben'])
  ana.editor.commands.redo()
  expect(paragraphs(ben)).toEqual(['Ana and Ben'])
  ben.editor.commands.undo()
  expect(paragraphs(ana)).toEqual(['Ana'])
})

for (const block of ['heading', 'bulletList', 'table'] as const)
  test(`undo of a ${block} leaves what somebody else has written in it`, () => {
    const [ana, ben] = pair()
    const cell = { type: 'tableCell', content: [paragraph('Ana')] }
    const inside = { heading: [{ type: 'text', text: 'Ana' }], bulletList: [{ type: 'listItem', content: [paragraph('Ana')] }], table: [{ type: 'tableRow', content: [cell] }] }
    ana.editor.commands.insertContent({ type: block, content: inside[block] })
    let end = 0
    ben.editor.state.doc.descendants((node, at) => {
      if (node.isText && node.text === 'Ana') end = at + 3
    })
    ben.editor.commands.insertContentAt(end, ' and Ben')
    ana.editor.commands.undo()
    expect(ben.editor.getText().trim()).toBe('and Ben')
    expect(ana.editor.getText()).toBe(ben.editor.getText())
    ana.editor.commands.redo()
    expect(ana.editor.getText()).toContain('Ana')
    expect(ben.editor.getText().match(/and Ben/g)).toHaveLength(1)
  })

test('what undo puts back stands in the same place for everybody, also in words that it had put back before', () => {
  const [ana, ben] = pair()
  const acts: ((commands: Editor['commands']) => boolean)[] = [
    (does) => does.insertContent('We meet on Friday'),
    (does) => does.deleteRange({ from: 9, to: 18 }),
    (does) => does.undo(),
    (does) => does.insertContentAt(12, 'Good '),
    (does) => does.toggleHeading({ level: 1 }),
    (does) => does.undo(),
  ]
  for (const act of acts) {
    ana.undo.stopCapturing()
    act(ana.editor.commands)
  }
  const cara = writer()
  Y.applyUpdate(cara.doc, Y.encodeStateAsUpdate(ana.doc))
  for (const person of [ana, ben, cara]) expect(paragraphs(person)).toEqual(['We meet on Good Friday'])
})

test('undo goes through text and title in one order', () => {
  const [ana] = pair()
  ana.editor.commands.insertContent('text')
  ana.undo.stopCapturing()
  ana.doc.getText('title').insert(0, 'by nobody')
  expect(ana.undo.undoStack).toHaveLength(1)
  ana.undo.undo()
  expect(paragraphs(ana).join('')).toBe('')
  expect(ana.doc.getText('title').toString()).toBe('by nobody')
})

const places: [string, string[], [number, number], (ben: Writer) => void, [number, number]][] = [
  // There is nothing in it to hold on to but its end.
  ['in an empty paragraph that somebody else fills', ['', 'x', ''], [0, 0], ({ editor }) => editor.commands.insertContentAt(1, 'hello'), [0, 5]],
  ['in a text that has a twin', ['same', 'same', 'same'], [1, 2], ({ editor }) => editor.commands.insertContentAt(7 + 4, '!'), [1, 2]],
  ['behind what somebody else writes before it', ['word', 'y'], [0, 4], ({ editor }) => editor.commands.insertContentAt(1, 'my '), [0, 7]],
  ['below a paragraph that somebody else adds', ['a', 'b', 'a'], [2, 1], ({ editor }) => editor.commands.insertContentAt(0, paragraph('new')), [3, 1]],
  ['below a paragraph that somebody else deletes', ['a', 'b', 'c'], [2, 1], ({ editor }) => editor.commands.deleteRange({ from: 0, to: 3 }), [1, 1]],
  ['in a paragraph that becomes a heading', ['a', 'b', 'a'], [2, 1], ({ editor }) => editor.chain().setTextSelection(7).setHeading({ level: 1 }).run(), [2, 1]],
]

for (const [where, texts, [at, offset], change, expected] of places)
  test(`the caret stays ${where}`, () => {
    const [ana, ben] = pair()
    ana.editor.commands.setContent({ type: 'doc', content: texts.map(paragraph) })
    const start = texts.slice(0, at).reduce((sum, words) => sum + words.length + 2, 1)
    ana.editor.commands.setTextSelection(start + offset)
    expect(caret(ana)).toEqual([at, offset])
    change(ben)
    expect(caret(ana)).toEqual(expected)
  })

const nowhere = [
  'x', [1], {}, 7, { anchor: null, head: null }, { anchor: {}, head: 'x' }, { anchor: { tname: 'title' }, head: { tname: 'nope' } },
  { anchor: { item: {} }, head: {} }, { anchor: { item: { client: 1, clock: -1 } }, head: { type: { client: 'x' } } }, { anchor: { tname: { a: 1 } }, head: {} },
]

for (const cursor of nowhere)
  test(`nobody is kept from editing by somebody whose caret is at ${JSON.stringify(cursor)}`, () => {
    const [ana, ben] = pair()
    ana.awareness.states.set(1234, { user: { id: 3, name: 'Mal', slot: 3 }, cursor })
    ben.editor.commands.insertContent('from Ben')
    ana.editor.commands.insertContentAt(1, 'from Ana, ')
    expect(paragraphs(ana)).toEqual(['from Ana, from Ben'])
    expect(paragraphs(ben)).toEqual(paragraphs(ana))
    expect([...ana.doc.share.keys()].sort()).toEqual(['body', 'title'])
    expect(scrollTo(3, ana.awareness, ana.editor)).toBe(false)
  })

test('a caret that is in the text is shown', () => {
  const [ana, ben] = pair()
  ben.editor.commands.insertContent('here')
  const place = { type: null, tname: 'body', item: null, assoc: 0 }
  ana.awareness.states.set(1234, { user: { id: 3, name: 'Cleo', slot: 3 }, cursor: { anchor: place, head: place } })
  ben.editor.commands.insertContent(' and there')
  expect(ana.editor.view.dom.querySelector('.caret')?.textContent).toBe('Cleo')
})

/** A table as another program may write it into the doc. */
function tableOf(rows: number, cells: number, attrs: Record<string, unknown>): Y.XmlElement {
  const make = (name: string, ...content: (Y.XmlElement | Y.XmlText)[]) => {
    const element = new Y.XmlElement(name)
    element.insert(0, content)
    return element
  }
  const cell = () => {
    const made = make('tableCell', make('paragraph', new Y.XmlText('c')))
    for (const [name, value] of Object.entries(attrs)) made.setAttribute(name, value as string)
    return made
  }
  return make('table', ...Array.from({ length: rows }, () => make('tableRow', ...Array.from({ length: cells }, cell))))
}

const spansOf = ({ editor }: Writer) => {
  const spans: [number, number, unknown][] = []
  editor.state.doc.descendants(({ attrs }) => void (attrs.colspan && spans.push([attrs.colspan, attrs.rowspan, attrs.colwidth])))
  return spans
}

const reaches: [string, Record<string, unknown>, [number, number, unknown]][] = [
  ['over ten million columns', { colspan: 10_000_000, rowspan: 1 }, [1000, 1, null]],
  ['over no columns and less than no rows', { colspan: 0, rowspan: -7 }, [1, 1, null]],
  ['over something else than a number', { colspan: '30', rowspan: { a: 1 }, colwidth: 'x' }, [1, 1, null]],
  ['over half a column, and widths for three', { colspan: 1.5, rowspan: 2, colwidth: [1, 2, 3] }, [1, 1, null]],
  ['over two columns with their widths', { colspan: 2, rowspan: 1, colwidth: [10, 20] }, [2, 1, [10, 20]]],
]

for (const [where, attrs, expected] of reaches)
  test(`a cell that reaches ${where} stops nobody`, () => {
    const [ana, ben] = pair()
    const began = performance.now()
    ana.doc.getXmlFragment('body').insert(0, [tableOf(1, 1, attrs)])
    for (const person of [ana, ben]) {
      expect(spansOf(person)[0]).toEqual(expected)
      expect(Number(person.editor.view.dom.querySelector('td')?.colSpan)).toBe(expected[0])
    }
    ben.editor.commands.insertContentAt(ben.editor.state.doc.content.size, paragraph('below'))
    expect(ana.editor.getText()).toContain('below')
    expect(performance.now() - began).toBeLessThan(5000)
  })

test('cells that reach far together stop nobody either', () => {
  const [ana, ben] = pair()
  const began = performance.now()
  ana.doc.getXmlFragment('body').insert(0, [tableOf(50, 50, { colspan: 1000, rowspan: 1000 })])
  ben.editor.commands.insertContentAt(ben.editor.state.doc.content.size, paragraph('below'))
  for (const person of [ana, ben]) {
    expect(spansOf(person)).toHaveLength(2500)
    expect(new Set(spansOf(person).map(String))).toEqual(new Set(['1,1,']))
  }
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('a pasted cell reaches no further than a table can', () => {
  const [ana] = pair()
  ana.editor.commands.insertContent('<table><tr><td colspan="30000000" rowspan="99999">c</td></tr></table>')
  expect(spansOf(ana)[0]?.[0]).toBeLessThanOrEqual(1000)
  expect(ana.editor.getText()).toContain('c')
})

test('a doc that cannot be shown is neither changed nor watched any more', () => {
  const doc = new Y.Doc()
  const fragment = doc.getXmlFragment('body')
  fragment.insert(0, [new Y.XmlText('loose')])
  const before = Y.encodeStateAsUpdate(doc)
  const awareness = new Awareness(doc)
  const element = document.createElement('div')
  expect(() => makeEditor(element, { doc, awareness, undo: undoManager(doc), editable: true })).toThrow()
  expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
  expect(element.childNodes).toHaveLength(0)
  fragment.insert(1, [new Y.XmlText('more')])
  expect(fragment.toString()).toBe('loosemore')
  awareness.destroy()
})

const everything = {
  type: 'doc',
  content: [
    { type: 'heading', attrs: { level: 2 }, content: [{ type: 'text', text: 'Head' }] },
    { type: 'taskList', content: [{ type: 'taskItem', attrs: { checked: true }, content: [paragraph('done')] }] },
    { type: 'codeBlock', attrs: { language: 'js' }, content: [{ type: 'text', text: 'const answer = "42" // it is' }] },
    { type: 'blockquote', content: [paragraph('said')] },
    { type: 'table', content: [{ type: 'tableRow', content: [{ type: 'tableHeader', content: [paragraph('a')] }, { type: 'tableCell', content: [paragraph('b')] }] }] },
  ],
}

test('to open a note changes nothing in it', () => {
  const ana = writer()
  ana.editor.commands.setContent(everything)
  const ben = writer()
  const made: unknown[] = []
  ben.doc.on('update', (_update: Uint8Array, origin: unknown) => origin !== 'wire' && made.push(origin))
  Y.applyUpdate(ben.doc, Y.encodeStateAsUpdate(ana.doc), 'wire')
  expect(ben.editor.getJSON()).toEqual(ana.editor.getJSON())
  expect(made).toEqual([])
})

test('code is coloured once its language has come', async () => {
  const ana = writer()
  ana.editor.commands.setContent(everything)
  const texts = (kind: string) => [...ana.editor.view.dom.querySelectorAll(`pre .${kind}`)].map(({ textContent }) => textContent)
  await expect.poll(() => texts('tk-word')).toEqual(['const'])
  expect(texts('tk-text')).toEqual(['"42"'])
  expect(texts('tk-note')).toEqual(['// it is'])
})

test('the caret of somebody else carries name and slot, and no style', async () => {
  const [ana, ben] = pair()
  ana.editor.commands.setContent({ type: 'doc', content: [paragraph('hello')] })
  const text = (ana.doc.getXmlFragment('body').get(0) as Y.XmlElement).get(0) as Y.XmlText
  const at = (offset: number) => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(text, offset))
  ana.awareness.states.set(ben.doc.clientID, { user: { id: 2, name: 'Ben', slot: 7 }, cursor: { anchor: at(1), head: at(3) } })
  ana.awareness.emit('change', [{ added: [ben.doc.clientID], updated: [], removed: [] }, 'wire'])
  const dom = ana.editor.view.dom
  await expect.poll(() => dom.querySelector<HTMLElement>('.caret[data-author="7"] > .caret-name')?.textContent).toBe('Ben')
  expect(dom.querySelector('.caret-name')?.getAttribute('aria-hidden')).toBe('true')
  expect(dom.querySelector('.remote[data-author="7"]')?.textContent).toContain('el')
  expect(dom.querySelector('.caret, .remote')?.closest('[style]')).toBeNull()
})

test('while an input method composes nobody is drawn beside it, and then they are', async () => {
  const [ana, ben] = pair()
  ana.editor.commands.setContent({ type: 'doc', content: [paragraph('words')] })
  const { dom } = ana.editor.view
  const { input } = ana.editor.view as unknown as { input: { composing: boolean } }
  const at = (place: number) => Y.createRelativePositionFromTypeIndex((ben.doc.getXmlFragment('body').get(0) as Y.XmlElement).get(0) as Y.XmlText, place)
  input.composing = true
  ana.awareness.states.set(ben.doc.clientID, { user: { id: 2, name: 'Ben', slot: 7 }, cursor: { anchor: at(1), head: at(3) } })
  ana.awareness.emit('change', [{ added: [ben.doc.clientID], updated: [], removed: [] }, 'wire'])
  for (let frames = 0; frames < 3; frames++) await new Promise(requestAnimationFrame)
  expect(dom.querySelector('.caret')).toBeNull()
  input.composing = false
  await expect.poll(() => dom.querySelector('.caret-name')?.textContent).toBe('Ben')
})

test('only harmless addresses become links', () => {
  const ana = writer()
  ana.editor.commands.setContent('<p><a href="javascript:alert(1)">x</a><a href="https://example.org">y</a><a href="data:text/html,z">z</a><a href="mailto:a@b.c">m</a></p>')
  expect([...ana.editor.view.dom.querySelectorAll('a')].map((a) => a.getAttribute('href'))).toEqual(['https://example.org', 'mailto:a@b.c'])
  expect(ana.editor.view.dom.querySelector('a')?.getAttribute('rel')).toBe('noopener noreferrer nofollow')
})

test('a note holds what it has always held: to take a node away would delete it from every note', () => {
  const { schema } = writer().editor
  expect(Object.keys(schema.nodes).sort()).toEqual([
    'blockquote', 'bulletList', 'codeBlock', 'doc', 'hardBreak', 'heading', 'horizontalRule', 'listItem', 'orderedList', 'paragraph',
    'table', 'tableCell', 'tableHeader', 'tableRow', 'taskItem', 'taskList', 'text',
  ])
  expect(Object.keys(schema.marks).sort()).toEqual(['bold', 'code', 'highlight', 'italic', 'link', 'strike', 'underline'])
})
