/**
 * What undo puts back, Yjs puts between what has taken the place of its old neighbours. Where somebody wrote in words that had come back
 * once before, it finds the same for both: what is put back says that it stands behind the end of that and before its beginning (yjs#794).
 * Each doc makes of it what it can, and people read the same words in another order. Here it says where this page has put it.
 */
import * as Y from 'yjs'

/** For a transaction of undo, before anybody is told of it. */
export function settleRedone({ doc, beforeState }: Y.Transaction): void {
  const structs = doc.store.clients.get(doc.clientID) ?? []
  const before = beforeState.get(doc.clientID) ?? 0
  const lefts = new Map<Y.Item, Y.Item | null>()
  const rights = new Map<Y.Item, Y.Item | null>()
  // The newest first, and each is then taken out: beside an item is only what was there when it came.
  for (let at = structs.length - 1; at >= 0; at--) {
    const item = structs[at]
    if (!item || item.id.clock < before) return
    if (!(item instanceof Y.Item) || item.parentSub !== null) continue
    const { left = item.left, right = item.right } = { left: lefts.get(item), right: rights.get(item) }
    item.origin = left && left.lastId
    item.rightOrigin = right && right.id
    if (left) rights.set(left, right)
    if (right) lefts.set(right, left)
  }
}
