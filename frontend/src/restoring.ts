import * as Y from 'yjs'
import { RESTORE } from './editor'
import { told } from './ids'
import { MERGED, type Merged } from './orphans'

/**
 * Merge an update that brings something of the past back: an edit of our own, and one step of undo. Returns how to take it back, whatever
 * was done since; null: somebody has done the same, and nothing changes.
 */
export function bringBack(doc: Y.Doc, undo: Y.UndoManager, update: Uint8Array): (() => void) | null {
  const before = undo.undoStack.at(-1)
  undo.stopCapturing()
  doc.transact((transaction) => {
    transaction.meta.set(MERGED, { updates: [{ update }], from: 'here' } satisfies Merged)
    Y.applyUpdate(doc, update)
    // Behind the edits of others Yjs tidies formats up, in a transaction that undo does not know.
    transaction.local = true
  }, RESTORE)
  undo.stopCapturing()
  const step = undo.undoStack.at(-1)
  if (!step || step === before) return null
  // What others wrote meanwhile in what has gone comes back by itself (orphans.ts).
  step.deletions = told(update).deletes
  return () => {
    const at = undo.undoStack.indexOf(step)
    if (at < 0) return // It was undone with the keys.
    undo.undoStack.splice(at, 1)
    undo.undoStack.push(step)
    undo.undo()
  }
}
