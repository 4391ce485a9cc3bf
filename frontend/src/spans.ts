/**
 * How far the cells of a table may reach. What comes from the doc or from a paste may say anything, and the map that the editor
 * makes of each table has a field for every row and column: a cell over ten million columns would stop the page of everybody.
 */
import { Extension } from '@tiptap/core'
import { Fragment, type Attrs, type Node, type NodeType } from '@tiptap/pm/model'

/** What HTML allows. */
const MOST = 1000
/** Fields of one table: a cell may take the place of some others, but the editor fills with cells whatever none reaches. */
const area = (cells: number) => Math.max(1000, 4 * cells)

/** Every way in which ProseMirror makes a node: parsing, JSON, commands, and what comes from the doc. */
const MAKERS = ['create', 'createChecked', 'createAndFill'] as const

const span = (value: unknown): number => (Number.isInteger(value) ? Math.min(Math.max(Number(value), 1), MOST) : 1)

function bounded(attrs: Attrs): Attrs {
  const colspan = span(attrs.colspan)
  const { colwidth } = attrs
  const fits = Array.isArray(colwidth) && colwidth.length === colspan && colwidth.every(Number.isFinite)
  return { ...attrs, colspan, rowspan: span(attrs.rowspan), colwidth: fits ? colwidth : null }
}

/** The rows as they are, or, if their cells together reach too far, with cells that reach over one field each. */
function fitting(rows: Fragment): Fragment {
  let widest = 0
  let cells = 0
  rows.forEach((row) => {
    let width = 0
    // A cell that reaches down is in the rows below as well: it counts as if it were wider.
    row.forEach(({ attrs }) => (width += Number(attrs.colspan ?? 1) * Math.min(Number(attrs.rowspan ?? 1), rows.childCount)))
    widest = Math.max(widest, width)
    cells += row.childCount
  })
  if (widest * rows.childCount <= area(cells)) return rows
  const single = (cell: Node) => cell.type.create({ ...cell.attrs, colspan: 1, rowspan: 1, colwidth: null }, cell.content, cell.marks)
  return Fragment.from(rows.content.map((row) => row.copy(Fragment.from(row.content.content.map(single)))))
}

/** Nodes of this type are made with these attributes and this content instead. */
function remake(type: NodeType, attributes: (attrs: Attrs) => Attrs, inside: (content: Fragment) => Fragment): void {
  for (const maker of MAKERS) {
    const make = type[maker].bind(type) as (attrs?: Attrs | null, content?: Fragment | Node | readonly Node[] | null, ...rest: unknown[]) => Node
    Object.assign(type, {
      [maker]: (attrs?: Attrs | null, content?: Fragment | Node | readonly Node[] | null, ...rest: unknown[]) =>
        make(attrs && attributes(attrs), content && inside(Fragment.from(content)), ...rest),
    })
  }
}

const same = <T>(value: T): T => value

export const Spans = Extension.create({
  name: 'spans',

  onBeforeCreate() {
    const { table, tableCell, tableHeader } = this.editor.schema.nodes
    if (!table || !tableCell || !tableHeader) throw new Error('expected a schema with tables')
    for (const cell of [tableCell, tableHeader]) remake(cell, bounded, same)
    remake(table, same, fitting)
  },
})
