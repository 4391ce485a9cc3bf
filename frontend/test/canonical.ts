/** Notes in a form that can be compared: from Yjs's own types, from a weave, and from what was drawn. */
import { DOMSerializer, Fragment, type Attrs, type Node as PmNode, type NodeType } from '@tiptap/pm/model'
import * as Y from 'yjs'
import { Formats } from '../src/history/formats'
import type { Paper } from '../src/history/past'
import { CHILD, FORMAT, TEXT, type Strand } from '../src/history/strand'
import type { View } from '../src/history/views'
import { schema } from './writers'

export const author = (user: number | null) => ({ slot: user ?? 0, name: user ? `Writer ${user}` : 'Nobody' })
export const paper = (): Paper => ({ title: document.createElement('h1'), body: document.createElement('div') })

export type Canonical = { name: string; attributes: Record<string, unknown>; content: Canonical[] } | { text: string; marks: string }

/** Neighbouring texts that are formatted alike are one; texts without characters are none. */
export function joined(content: Canonical[]): Canonical[] {
  const out: Canonical[] = []
  for (const node of content) {
    const last = out.at(-1)
    if ('text' in node && !node.text) continue
    if (last && 'text' in node && 'text' in last && last.marks === node.marks) last.text += node.text
    else out.push(node)
  }
  return out
}

const sorted = (attributes: Record<string, unknown>) => Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
const marks = (attributes: Record<string, unknown> = {}) => JSON.stringify(sorted(attributes))

export function ofTypes(parent: Y.XmlFragment | Y.XmlElement): Canonical[] {
  return joined((parent.toArray() as (Y.XmlElement | Y.XmlText)[]).flatMap((child): Canonical[] =>
    child instanceof Y.XmlText
      ? (child.toDelta() as { insert: string; attributes?: Record<string, unknown> }[]).map(({ insert, attributes }) => ({ text: insert, marks: marks(attributes) }))
      : [{ name: child.nodeName, attributes: sorted(child.getAttributes()), content: ofTypes(child) }],
  ))
}

export function ofStrand(strand: Strand, view: View): Canonical[] {
  const content: Canonical[] = []
  const formats = new Formats(strand, view)
  for (let piece = 0; piece < strand.count; piece++) {
    if (strand.kind[piece] === FORMAT) formats.pass(piece)
    else if (!view.has(strand, piece)) continue
    else if (strand.kind[piece] === TEXT) content.push({ text: strand.text.slice(strand.start[piece], strand.start[piece + 1]), marks: marks(formats.attributesAt(piece)) })
    else if (strand.kind[piece] === CHILD) {
      const child = strand.child(piece)
      if (child.name === null) content.push(...ofStrand(child, view))
      else content.push({ name: child.name, attributes: sorted(Object.fromEntries([...view.attributes(child)].map(([key, { value }]) => [key, value]))), content: ofStrand(child, view) })
    }
  }
  return joined(content)
}

function nodeOf(node: Canonical): PmNode {
  if (!('text' in node)) return (schema.nodes[node.name] as NodeType).create(node.attributes, node.content.map(nodeOf))
  const marks = Object.entries(JSON.parse(node.marks) as Record<string, Attrs>).map(([name, attributes]) => schema.mark(name, attributes))
  return schema.text(node.text, marks)
}

/** Does the editor take it? */
export function isValid(content: readonly Canonical[]): boolean {
  const isFilled = (node: PmNode): boolean => node.type.validContent(node.content) && node.content.content.every(isFilled)
  return content.map(nodeOf).every(isFilled)
}

/** As the editor would draw it, if it drew what does not fit its schema, too. */
export function edited(content: readonly Canonical[]): string {
  const element = document.createElement('div')
  element.append(DOMSerializer.fromSchema(schema).serializeFragment(Fragment.fromArray(content.map(nodeOf))))
  return element.innerHTML
}

export function drawn({ body }: Paper): string {
  const copy = body.cloneNode(true) as HTMLElement
  for (const added of copy.querySelectorAll('.ProseMirror-trailingBreak')) added.remove()
  for (const box of copy.querySelectorAll('input')) for (const name of ['disabled', 'aria-label']) box.removeAttribute(name)
  for (const coloured of copy.querySelectorAll('[class^=tk-]')) coloured.replaceWith(...coloured.childNodes)
  copy.normalize()
  return copy.innerHTML
}

/** Blocks, and texts with what they stand in, without what is only drawn about them. `left`: what is left out. */
export function skeleton(node: Node, left: string, formats: boolean, around: readonly string[] = []): string[] {
  const out: string[] = []
  for (const child of node.childNodes) {
    if (child.nodeType === 3) out.push(...[...(child.textContent ?? '')].map((character) => character + (formats ? [...around].sort().join() : '')))
    if (!(child instanceof HTMLElement) || child.matches('.whos, .fmt-tag, .ProseMirror-trailingBreak') || child.matches(left)) continue
    const name = child.tagName.toLowerCase()
    if (child.matches('ins, del, span.fmt, div.chg, [class^=tk-]')) out.push(...skeleton(child, left, formats, around))
    else if (child.matches('strong, em, s, u, mark, a, :not(pre) > code')) out.push(...skeleton(child, left, formats, [...around, name + (child.getAttribute('href') ?? '')]))
    else {
      const attributes = formats ? ` ${child.getAttribute('data-checked') ?? ''}${child.className.match(/language-\S+/)?.[0] ?? ''}` : ''
      out.push(`<${formats ? name : name.replace(/^h[1-3]$/, 'h')}${attributes}>`, ...skeleton(child, left, formats), `</${name[0]}>`)
    }
  }
  return out
}
