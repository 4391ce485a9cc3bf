import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import type * as Y from 'yjs'

/** Who somebody is to the others, as the server said it at the join. */
export interface Identity { id: number; name: string; slot: number }

/** The server shows it at most every 50 ms. */
const COALESCE = 60

/** Who is here and where they are: y-protocols awareness, of which the server alone decides who is gone. */
export class Whereabouts {
  readonly awareness: Awareness
  private timer: ReturnType<typeof setTimeout> | undefined
  private hidden: Record<string, unknown> | null = null

  constructor(private readonly doc: Y.Doc, private readonly send: (states: Uint8Array) => void) {
    this.awareness = new Awareness(doc)
    this.awareness.setLocalState(null)
    // Its clock would take people in a background tab for gone after 30 seconds. The server knows better.
    clearInterval(this.awareness._checkInterval)
    this.awareness.on('update', this.changed)
    if (typeof window === 'undefined') return
    addEventListener('pagehide', this.leave)
    addEventListener('pageshow', this.comeBack)
  }

  /** The server let us in as this person, or as a reader whom nobody sees. */
  enter(user: Identity | null): void {
    const { awareness, doc } = this
    const state = awareness.getLocalState()
    // The server has told the others that we left, with a clock above ours: start above that one.
    const meta = awareness.meta.get(doc.clientID)
    if (meta) meta.clock += 1
    awareness.setLocalState(user && { ...state, user })
  }

  receive(states: Uint8Array): void {
    applyAwarenessUpdate(this.awareness, states, this)
  }

  /** Without a connection nobody else is here. They will be shown again with the clocks they have now, so those are forgotten. */
  alone(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const { awareness, doc } = this
    const others = [...awareness.getStates().keys()].filter((client) => client !== doc.clientID)
    removeAwarenessStates(awareness, others, this)
    for (const client of [...awareness.meta.keys()]) if (client !== doc.clientID) awareness.meta.delete(client)
  }

  destroy(): void {
    clearTimeout(this.timer)
    this.awareness.destroy()
    if (typeof window === 'undefined') return
    removeEventListener('pagehide', this.leave)
    removeEventListener('pageshow', this.comeBack)
  }

  private changed = ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>, origin: unknown) => {
    const mine = [...added, ...updated, ...removed].includes(this.doc.clientID)
    if (mine && origin !== this) this.timer ??= setTimeout(this.tell, COALESCE)
  }

  private tell = () => {
    clearTimeout(this.timer)
    this.timer = undefined
    this.send(encodeAwarenessUpdate(this.awareness, [this.doc.clientID]))
  }

  private leave = () => {
    this.hidden = this.awareness.getLocalState()
    if (!this.hidden) return
    this.awareness.setLocalState(null)
    this.tell()
  }

  /** The browser kept the page and shows it again. */
  private comeBack = () => {
    if (this.hidden) this.awareness.setLocalState(this.hidden)
    this.hidden = null
  }
}
