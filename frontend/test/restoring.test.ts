// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { TITLE_EDIT, undoManager } from '../src/editor'
import { bringBack } from '../src/restoring'

/** A doc with a title, in which somebody types as the editor does; and what brings `words` to its beginning. */
function note(title: string) {
  const doc = new Y.Doc()
  const text = doc.getText('title')
  const undo = undoManager(doc)
  const type = (words: string) => {
    undo.stopCapturing()
    doc.transact(() => text.insert(text.length, words), TITLE_EDIT)
  }
  type(title)
  const edit = (change: (text: Y.Text) => void) => {
    const other = new Y.Doc()
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
    const known = Y.encodeStateVector(other)
    change(other.getText('title'))
    return Y.encodeStateAsUpdate(other, known)
  }
  return { doc, text, undo, type, edit, reads: () => text.toString() }
}

/** How to take it back. */
function taken(...given: Parameters<typeof bringBack>): () => void {
  const takeBack = bringBack(...given)
  if (!takeBack) throw new Error('expected an update that changes the note')
  return takeBack
}

test('what is brought back is an edit of one own step', () => {
  const { doc, undo, type, edit, reads } = note('plan')
  type(' for spring')
  bringBack(doc, undo, edit((text) => text.insert(0, 'The ')))
  expect(reads()).toBe('The plan for spring')
  undo.undo()
  expect(reads()).toBe('plan for spring')
  undo.undo()
  expect(reads()).toBe('plan')
  undo.redo()
  undo.redo()
  expect(reads()).toBe('The plan for spring')
})

test('it is taken back although more was typed since, which stays', () => {
  const { doc, undo, type, edit, reads } = note('plan')
  const takeBack = taken(doc, undo, edit((text) => text.delete(0, 2)))
  type(' of Ana')
  expect(reads()).toBe('an of Ana')
  takeBack()
  expect(reads()).toBe('plan of Ana')
  // A second time there is nothing to take back.
  takeBack()
  expect(reads()).toBe('plan of Ana')
  undo.undo()
  expect(reads()).toBe('plan')
})

test('whoever undid it with the keys is not undone again', () => {
  const { doc, undo, edit, reads } = note('plan')
  const takeBack = taken(doc, undo, edit((text) => text.insert(4, '!')))
  undo.undo()
  takeBack()
  expect(reads()).toBe('plan')
})

test('marks of what is brought back survive undo and redo', () => {
  const { doc, text, undo, edit } = note('plan')
  const takeBack = taken(doc, undo, edit((other) => other.format(0, 2, { bold: true })))
  expect(text.toDelta()).toEqual([{ insert: 'pl', attributes: { bold: true } }, { insert: 'an' }])
  takeBack()
  expect(text.toDelta()).toEqual([{ insert: 'plan' }])
  undo.redo()
  expect(text.toDelta()).toEqual([{ insert: 'pl', attributes: { bold: true } }, { insert: 'an' }])
})

test('what somebody else has done already is no step', () => {
  const { doc, undo, reads } = note('plan')
  expect(bringBack(doc, undo, Y.encodeStateAsUpdate(doc))).toBeNull()
  undo.undo()
  expect(reads()).toBe('')
})
