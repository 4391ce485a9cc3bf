import type { Editor } from '@tiptap/core'
import { relativePositionToAbsolutePosition, ySyncPluginKey } from 'y-prosemirror'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Identity } from './whereabouts'

/** Somebody who is here now. One for each person, however many tabs they have; oneself comes first. */
export interface Present extends Identity { self: boolean }

/** What comes from another client is looked at before it is used. */
function identityOf(state: Record<string, unknown>): Identity | null {
  const user = state.user as Partial<Identity> | null | undefined
  const valid = typeof user?.id === 'number' && typeof user.name === 'string' && typeof user.slot === 'number'
  return valid ? (user as Identity) : null
}

export function peopleOf(awareness: Awareness): Present[] {
  const mine = awareness.getLocalState()
  const self = mine && identityOf(mine)
  const people = new Map<number, Present>()
  if (self) people.set(self.id, { id: self.id, name: self.name, slot: self.slot, self: true })
  const others = [...awareness.getStates().values()].map(identityOf).filter((user) => user !== null)
  for (const { id, name, slot } of others.sort((a, b) => a.slot - b.slot || a.id - b.id))
    if (!people.has(id)) people.set(id, { id, name, slot, self: false })
  return [...people.values()]
}

/** Where the caret of this person is in the text; null: nowhere in it. */
function caretOf(userId: number, awareness: Awareness, editor: Editor): number | null {
  const { doc, binding, type } = ySyncPluginKey.getState(editor.state)
  for (const [client, state] of awareness.getStates()) {
    const head = (state.cursor as { head?: unknown } | null | undefined)?.head
    if (client === awareness.clientID || identityOf(state)?.id !== userId || !head) continue
    return relativePositionToAbsolutePosition(doc, type, Y.createRelativePositionFromJSON(head), binding.mapping)
  }
  return null
}

/** Bring the caret of this person into the middle of the view. False: it is not in the text. */
export function scrollTo(userId: number, awareness: Awareness, editor: Editor): boolean {
  const at = caretOf(userId, awareness, editor)
  if (at === null) return false
  const { node } = editor.view.domAtPos(Math.min(at, editor.state.doc.content.size))
  const element = node instanceof Element ? node : node.parentElement
  element?.scrollIntoView({ block: 'center', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' })
  return true
}
