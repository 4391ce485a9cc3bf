/** What an edit may hold, so that the server takes it (sync/README.md, "Limits"): with room to spare for what others do meanwhile. */
import { Extension } from '@tiptap/core'
import { isChangeOrigin } from '@tiptap/extension-collaboration'
import { Fragment, Mark, Slice, type Node } from '@tiptap/pm/model'
import { Plugin, type EditorState, type Transaction } from '@tiptap/pm/state'
import { ReplaceAroundStep, ReplaceStep, type Step } from '@tiptap/pm/transform'
import type { EditorView } from '@tiptap/pm/view'

/** Blocks in each other: sixteen lists, each with its item, and a paragraph. The server takes 64. */
export const DEEPEST = 33
/** Of an address, or of any other attribute that is a text, in UTF-16 units. */
export const LONGEST = 2000
/** Of a number in an attribute: where a list starts; and over how many cells one goes, which the editor counts one by one. */
const HIGHEST = 1e9
const WIDEST = 1000

/** How many blocks are in each other between these positions of the node's content. */
function depth(node: Node, from = 0, to = node.content.size): number {
  let deepest = 0
  node.forEach((child, at) => {
    if (child.isInline || at + child.nodeSize < from || at > to) return
    deepest = Math.max(deepest, 1 + depth(child, from - at - 1, to - at - 1))
  })
  return deepest
}

/** Text goes into what is there; only other blocks can make it deeper. */
const bringsBlocks = (step: Step) =>
  step instanceof ReplaceAroundStep || (step instanceof ReplaceStep && step.slice.content.firstChild?.isInline === false)

/** What came from others, or back from one's own history, has passed the server. And who is deep down already may go on there. */
function staysShallow(transaction: Transaction, { doc }: EditorState): boolean {
  if (isChangeOrigin(transaction) || !transaction.steps.some(bringsBlocks)) return true
  const { mapping } = transaction
  let from = transaction.doc.content.size
  let to = 0
  mapping.maps.forEach((map, at) => {
    const rest = mapping.slice(at + 1)
    map.forEach((_start, _end, start, end) => {
      from = Math.min(from, rest.map(start, -1))
      to = Math.max(to, rest.map(end, 1))
    })
  })
  const now = depth(transaction.doc, from, to)
  const back = mapping.invert()
  return now <= DEEPEST || now <= depth(doc, back.map(from, -1), back.map(to, 1))
}

/** How many blocks must at least be in each other for a node to be there with some text. */
const ROOM: Record<string, number> = { bulletList: 3, orderedList: 3, taskList: 3, table: 4, tableRow: 3 }
const roomFor = (node: Node) => ROOM[node.type.name] ?? 2

/** The same with no more than `room` blocks in each other: what is deeper comes out of its lists and quotes, and loses no word. */
function shallow(content: Fragment, room: number): Fragment {
  const nodes: Node[] = []
  content.forEach((node) => {
    if (node.isInline || node.isTextblock || node.isLeaf) nodes.push(node)
    else if (roomFor(node) <= room) nodes.push(node.copy(shallow(node.content, room - 1)))
    else
      node.descendants((inner) => {
        const whole = inner.isTextblock || inner.isLeaf
        if (whole) nodes.push(inner)
        return !whole
      })
  })
  return Fragment.from(nodes)
}

type Attributes = Record<string, unknown>

/** A value that is too long or too high becomes what it is without being said. */
function bounded({ type, attrs }: Node | Mark): Attributes {
  const defaults = type.spec.attrs as Record<string, { default?: unknown }> | undefined
  const fits = (name: string, value: unknown) =>
    typeof value === 'string' ? value.length <= LONGEST : typeof value !== 'number' || Math.abs(value) <= (name.endsWith('span') ? WIDEST : HIGHEST)
  return Object.fromEntries(
    Object.entries(attrs as Attributes).map(([name, value]) => {
      const kept = fits(name, value) ? value : defaults?.[name]?.default
      return [name, typeof kept === 'string' ? kept.toWellFormed() : kept]
    }),
  )
}

function clean(node: Node): Node {
  const marks = node.marks.map((mark) => mark.type.create(bounded(mark)))
  if (node.isText) return node.type.schema.text((node.text ?? '').toWellFormed(), marks)
  const content: Node[] = []
  node.forEach((child) => void content.push(clean(child)))
  return node.type.create(bounded(node), content, marks)
}

/** What is pasted or dropped, as the server takes it. */
function taken(slice: Slice, { state }: EditorView): Slice {
  const cleaned: Node[] = []
  slice.content.forEach((node) => void cleaned.push(clean(node)))
  const content = shallow(Fragment.from(cleaned), Math.max(1, DEEPEST + 1 - state.selection.$from.depth))
  const { openStart, openEnd } = Slice.maxOpen(content)
  return new Slice(content, Math.min(slice.openStart, openStart), Math.min(slice.openEnd, openEnd))
}

export const Bounds = Extension.create({
  name: 'bounds',
  // Before the rules that turn `> ` into a quote.
  priority: 1000,
  addProseMirrorPlugins() {
    /** The first half of a character, as some keyboards send it. */
    let half = ''
    return [
      new Plugin({
        filterTransaction: staysShallow,
        props: {
          transformPasted: taken,
          handleTextInput(view, from, to, text) {
            const all = half + text
            half = /[\ud800-\udbff]$/.test(all) ? all.slice(-1) : ''
            const whole = all.slice(0, all.length - half.length).toWellFormed()
            // Where nothing may get deeper, what is typed is text.
            const deep = text === ' ' && view.state.doc.resolve(from).depth >= DEEPEST - 1
            if (whole === text && !deep) return false
            if (whole || from !== to) view.dispatch(view.state.tr.insertText(whole, from, to).scrollIntoView())
            return true
          },
        },
      }),
    ]
  },
})
