/** Elements of a note as the editor shows them, made from its own schema; what the schema does not know keeps its text. */
import { DOMSerializer, type Mark } from '@tiptap/pm/model'
import { schema, typeOf } from '../nodes'
import type { Format } from './strand'

/** An element, and where its content goes (null: it has none). */
export interface Shape { dom: HTMLElement; content: HTMLElement | null }

/** An element with these attributes, empty. `inline`: it stands in a line of text. */
export function shapeOf(name: string, attributes: Record<string, unknown>, inline: boolean): Shape {
  const type = typeOf(name)
  const spec = type?.spec.toDOM?.(type.create(attributes))
  if (!type || !spec) {
    const dom = document.createElement(inline ? 'span' : 'div')
    return { dom, content: dom }
  }
  const { dom, contentDOM } = DOMSerializer.renderSpec(document, spec)
  const shape = { dom: dom as HTMLElement, content: contentDOM ?? null }
  // A past is only looked at.
  for (const box of shape.dom.querySelectorAll('input')) {
    box.disabled = true
    box.setAttribute('aria-label', 'Done')
  }
  return shape
}

/** The y-prosemirror name of a mark that may overlap with itself ends in a hash. */
const nameOf = (key: string) => key.replace(/--[a-zA-Z0-9+/=]{8}$/, '')

/** The marks that formats stand for, outermost first. */
export function marksOf(formats: Iterable<Format>): Mark[] {
  const marks: Mark[] = []
  for (const { key, value } of formats) {
    const type = schema().marks[nameOf(key)]
    if (type && value !== null) marks.push(type.create(typeof value === 'object' ? value : null))
  }
  return marks.sort((a, b) => rank(a) - rank(b))
}

const rank = ({ type }: Mark) => Object.keys(type.schema.marks).indexOf(type.name)

/** The element of a mark. */
export function elementOf(mark: Mark): HTMLElement {
  const spec = mark.type.spec.toDOM?.(mark, true)
  return spec ? (DOMSerializer.renderSpec(document, spec).dom as HTMLElement) : document.createElement('span')
}
