/** A note as plain text, read from the doc itself: it works without an editor, and for copies that were set aside. */
import * as Y from 'yjs'
import { BODY, TITLE } from './schema'

export function textOf(doc: Y.Doc): string {
  const title = doc.getText(TITLE).toString().trim()
  return [title, ...blocks(doc.getXmlFragment(BODY))].filter(Boolean).join('\n\n')
}

/** Of a copy that lies on the device as updates. */
export function textOfUpdates(updates: Uint8Array[]): string {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  return textOf(doc)
}

/** Whether a doc has everything that is in a copy of it: each edit of it, not only the same words. */
export function bringsNothing(doc: Y.Doc, updates: Uint8Array[]): boolean {
  const both = new Y.Doc()
  Y.applyUpdate(both, Y.encodeStateAsUpdate(doc))
  let brings = false
  both.on('update', () => (brings = true))
  both.transact(() => {
    for (const update of updates) Y.applyUpdate(both, update)
  })
  return !brings && both.store.pendingStructs === null && both.store.pendingDs === null
}

type Node = Y.XmlElement | Y.XmlFragment | Y.XmlText | Y.XmlHook

const childrenOf = (node: Y.XmlElement | Y.XmlFragment) => node.toArray() as Node[]

const blocks = (node: Y.XmlElement | Y.XmlFragment): string[] => childrenOf(node).map((child) => block(child))

function block(node: Node): string {
  if (node instanceof Y.XmlText) return plain(node)
  if (!(node instanceof Y.XmlElement)) return ''
  const name: string = node.nodeName
  if (name === 'hardBreak') return '\n'
  if (name === 'horizontalRule') return '---'
  if (name === 'bulletList') return items(node, () => '- ')
  if (name === 'orderedList') return items(node, (_item, at) => `${at + 1}. `)
  if (name === 'taskList') return items(node, (item) => (item.getAttribute('checked') ? '[x] ' : '[ ] '))
  if (name === 'table') return blocks(node).join('\n')
  if (name === 'tableRow') return blocks(node).join('\t')
  const inner = blocks(node)
  // Text and breaks of one paragraph belong together; paragraphs of a quote stand apart.
  return childrenOf(node).some((child) => child instanceof Y.XmlText) ? inner.join('') : inner.join('\n')
}

/** Formatting is left out: toString() would write it as tags. */
const plain = (text: Y.XmlText): string =>
  (text.toDelta() as { insert: unknown }[]).map(({ insert }) => (typeof insert === 'string' ? insert : '')).join('')

function items(list: Y.XmlElement, mark: (item: Y.XmlElement, at: number) => string): string {
  return childrenOf(list)
    .map((item, at) => (item instanceof Y.XmlElement ? mark(item, at) + blocks(item).join('\n').replace(/\n/g, '\n  ') : ''))
    .join('\n')
}
