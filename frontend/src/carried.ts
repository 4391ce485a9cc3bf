/** The caret goes with the words that were just typed, when those are put back after what they stood in was taken away (orphans.ts). */
import { Extension } from '@tiptap/core'
import { Plugin } from '@tiptap/pm/state'
import { ySyncPluginKey } from 'y-prosemirror'
import * as Y from 'yjs'
import { RETURNED } from './orphans'

/** The place behind those of the words before it, or else before those behind it. */
function carried(doc: Y.Doc, place: Y.RelativePosition | null): Y.RelativePosition | null {
  const from = place?.item && Y.getItem(doc.store, place.item)
  if (!(from instanceof Y.Item) || !(from.parent as Y.AbstractType<unknown>)._item?.deleted) return place
  for (let item: Y.Item | null = from; item; item = item.left)
    if (item.redone && item !== from) return new Y.RelativePosition(null, null, Y.createID(item.redone.client, item.redone.clock + item.length - 1), -1)
  for (let item: Y.Item | null = from; item; item = item.right) if (item.redone) return new Y.RelativePosition(null, null, item.redone, 0)
  return place
}

export const Carried = Extension.create({
  name: 'carried',

  addProseMirrorPlugins() {
    return [
      new Plugin({
        view: (view) => {
          const { binding } = ySyncPluginKey.getState(view.state)
          const { doc } = binding
          const carry = ({ origin }: Y.Transaction) => {
            const selection = origin === RETURNED && binding.beforeTransactionSelection
            if (!selection) return
            selection.anchor = carried(doc, selection.anchor)
            selection.head = carried(doc, selection.head)
          }
          doc.on('beforeObserverCalls', carry)
          return { destroy: () => doc.off('beforeObserverCalls', carry) }
        },
      }),
    ]
  },
})
