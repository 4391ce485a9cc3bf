import type { Editor } from '@tiptap/core'
import type { EditorState } from '@tiptap/pm/state'
import { relativePositionToAbsolutePosition, ySyncPluginKey } from 'y-prosemirror'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { BODY } from './schema'
import type { Identity } from './whereabouts'

/** Somebody who is here now. One for each person, however many tabs they have; oneself comes first. */
export interface Present extends Identity { self: boolean }

/** What comes from another client is looked at before it is used. */
export function identityOf(state: Record<string, unknown>): Identity | null {
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

interface Id { client: number; clock: number }

const isNumber = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isId = (value: unknown) => value == null || (isNumber((value as Id).client) && isNumber((value as Id).clock))

/** Whether this is a place in the text, as JSON. Any other root would be made in the doc by looking for it. */
function isPlace(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { type, tname, item, assoc } = value as Record<string, unknown>
  return isId(type) && isId(item) && (tname == null || tname === BODY) && (assoc == null || Number.isSafeInteger(assoc))
}

/** What a state says is selected; null: nothing in this text. Any other client may say anything, so nothing that it says may throw. */
export function selectionOf({ cursor }: { cursor?: unknown }, state: EditorState): { anchor: number; head: number } | null {
  const { anchor, head } = (cursor ?? {}) as Record<string, unknown>
  if (!isPlace(anchor) || !isPlace(head)) return null
  const { doc, binding, type } = ySyncPluginKey.getState(state)
  const resolve = (place: unknown) => relativePositionToAbsolutePosition(doc, type, Y.createRelativePositionFromJSON(place), binding.mapping)
  try {
    const [from, to] = [resolve(anchor), resolve(head)]
    return from === null || to === null ? null : { anchor: from, head: to }
  } catch {
    // It is in something that is not shown here.
    return null
  }
}

/** Where the caret of this person is in the text; null: nowhere in it. */
function caretOf(userId: number, awareness: Awareness, editor: Editor): number | null {
  for (const [client, state] of awareness.getStates()) {
    if (client === awareness.clientID || identityOf(state)?.id !== userId) continue
    const at = selectionOf(state, editor.state)
    if (at) return at.head
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
