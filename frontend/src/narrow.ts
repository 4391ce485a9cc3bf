/**
 * What y-prosemirror does at every change costs as much as the whole note: for an edit of somebody else it replaces the document by a new
 * one, so that nothing is known to have stayed, and it compares all of the document with the doc whenever so much as the caret moves. Here
 * only the blocks that have become others are replaced, and what has just been compared is not compared again.
 */
import { Extension } from '@tiptap/core'
import { Slice, type Fragment, type Node } from '@tiptap/pm/model'
import { Plugin, Transaction } from '@tiptap/pm/state'
import type { EditorView } from '@tiptap/pm/view'
import { ySyncPluginKey } from 'y-prosemirror'
import * as Y from 'yjs'

/** The parts of y-prosemirror's binding that are used here; it is pinned. */
interface Binding {
  type: Y.XmlFragment
  /** What each type of the doc is in the document. */
  mapping: Map<unknown, Node | Node[]>
  /** A new transaction, for what comes from the doc. */
  readonly _tr: Transaction
  _prosemirrorChanged(document: Node): void
}

/** How many blocks at the start of both are the same ones, and how many at the end. */
function same(before: Fragment, after: Fragment): [start: number, end: number] {
  const most = Math.min(before.childCount, after.childCount)
  let [start, end] = [0, 0]
  while (start < most && before.child(start) === after.child(start)) start += 1
  while (start + end < most && before.child(before.childCount - end - 1) === after.child(after.childCount - end - 1)) end += 1
  return [start, end]
}

const sizeOf = (content: Fragment, from: number, to: number): number => content.content.slice(from, to).reduce((size, node) => size + node.nodeSize, 0)

/** In a line of text, or in a block of code, the letters that have changed: around them colours and carets stay. */
function replaceText(transaction: Transaction, at: number, before: Fragment, after: Fragment): Transaction {
  const start = before.findDiffStart(after)
  const end = before.findDiffEnd(after)
  if (start === null || end === null) return transaction
  // The same letters may count as the start and as the end.
  const twice = Math.max(0, start - Math.min(end.a, end.b))
  return replace(transaction, at + start, at + end.a + twice, after.cut(start, end.b + twice))
}

/** Replaces this content, which is at `at`, by that one as far as it is another. */
function replaceContent(transaction: Transaction, at: number, before: Fragment, after: Fragment): Transaction {
  const [start, end] = same(before, after)
  const from = at + sizeOf(before, 0, start)
  const [one, other] = [before.maybeChild(start), after.maybeChild(start)]
  const isOne = before.childCount === after.childCount && start + end + 1 === before.childCount
  // What the schema does not take can only be put in together with what it is in.
  if (isOne && one && other?.sameMarkup(one) && !one.isLeaf && other.type.validContent(other.content))
    return (one.isTextblock ? replaceText : replaceContent)(transaction, from + 1, one.content, other.content)
  const rest = sizeOf(before, before.childCount - end, before.childCount)
  return replace(transaction, from, at + before.size - rest, after.cut(from - at, after.size - rest))
}

const replace = (transaction: Transaction, from: number, to: number, content: Fragment): Transaction =>
  from === to && !content.size ? transaction : Transaction.prototype.replace.call(transaction, from, to, new Slice(content, 0, 0))

/** What is shown, with all that was made anew around what has changed, is what the doc says. */
function know(mapping: Binding['mapping'], type: Y.XmlFragment, said: Node, shown: Node): void {
  mapping.set(type, shown)
  if (shown.isTextblock) return
  const [start] = same(said.content, shown.content)
  const inside: unknown = start < shown.childCount ? type.get(start) : null
  if (inside instanceof Y.XmlElement && mapping.get(inside) === said.child(start)) know(mapping, inside, said.child(start), shown.child(start))
}

function narrow(view: EditorView, binding: Binding): { update(): void } {
  /** What came from the doc last. */
  let came: { transaction: Transaction; content: Fragment } | null = null
  const compare = binding._prosemirrorChanged.bind(binding)
  Object.defineProperty(binding, '_tr', {
    get() {
      const transaction = view.state.tr.setMeta('addToHistory', false)
      transaction.replace = (from, to = from, slice = Slice.empty) => {
        if (from !== 0 || to !== transaction.doc.content.size) return Transaction.prototype.replace.call(transaction, from, to, slice)
        came = { transaction, content: slice.content }
        return replaceContent(transaction, 0, transaction.doc.content, slice.content)
      }
      return transaction
    },
  })
  binding._prosemirrorChanged = (document) => {
    if (binding.mapping.get(binding.type) !== document) compare(document)
  }
  return {
    update() {
      const { doc } = view.state
      // Unless a plugin has changed it, or the schema wanted more than there is in the doc, the two are the same now.
      if (came && doc === came.transaction.doc && doc.content.eq(came.content)) know(binding.mapping, binding.type, doc.copy(came.content), doc)
      came = null
    },
  }
}

export const Narrow = Extension.create({
  name: 'narrow',
  addProseMirrorPlugins: () => [new Plugin({ view: (view) => narrow(view, ySyncPluginKey.getState(view.state).binding as Binding) })],
})
