import * as Y from 'yjs'
import { MERGED, type Merged } from './orphans'

/** A hidden page draws no frames, and a visible one may be hidden before the next: then this many milliseconds. */
const WITHOUT_FRAME = 100

/**
 * Updates of others on their way into the doc: all that came within one frame become one transaction.
 *
 * While an input method composes, they wait: to change the element that it writes in makes it write its text twice.
 */
export class Inbox {
  private waiting: Merged['updates'][number][] = []
  private afterwards: (() => void)[] = []
  private newest = 0
  private frame = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  /** The newest entry of the log that the doc has. */
  seq = 0
  /** Whether somebody composes now. */
  held: () => boolean = () => false

  /**
   * `coming`: something is about to come into the doc. `applied`: what came is in the doc. `failed`: it could not be applied, and what the doc holds cannot be trusted any more.
   * `unseen`: it is in the doc, but somebody who watches the doc failed, and shows something else now.
   */
  constructor(
    private readonly doc: Y.Doc,
    private readonly origin: unknown,
    private readonly events: { coming(): void; applied(): void; failed(): void; unseen(error: unknown): void },
  ) {}

  /** `news`: the entries up to `seq` that had not been sent; else it is all that was lacking then. */
  push(update: Uint8Array, seq: number, news: boolean): void {
    this.waiting.push(news ? { update, seq } : { update })
    this.newest = Math.max(this.newest, seq)
    this.later()
  }

  /** Call `then` as soon as everything that came up to now is in the doc: at once, unless somebody composes. */
  after(then: () => void): void {
    this.afterwards.push(then)
    this.flush()
  }

  /** What is asked for after a connection was lost concerns nobody any more. */
  forget(): void {
    this.afterwards = []
  }

  private later(): void {
    if (this.timer !== undefined) return
    this.timer = setTimeout(() => this.flush(), WITHOUT_FRAME)
    if (typeof requestAnimationFrame === 'function' && !document.hidden) this.frame = requestAnimationFrame(() => this.flush())
  }

  /** Nothing has come that is not in the doc. */
  get empty(): boolean {
    return !this.waiting.length
  }

  /** All entries up to this one have been sent to us: those that are not in the doc yet wait here. */
  reached(seq: number): void {
    this.newest = Math.max(this.newest, seq)
    if (!this.waiting.length) this.seq = Math.max(this.seq, this.newest)
  }

  /** Once this returns, everything that came is in the doc, unless somebody composes. */
  flush(): void {
    clearTimeout(this.timer)
    if (this.frame) cancelAnimationFrame(this.frame)
    this.timer = undefined
    this.frame = 0
    if (this.held()) {
      if (this.waiting.length || this.afterwards.length) this.later()
      return
    }
    this.apply()
    for (const then of this.afterwards.splice(0)) then()
  }

  private apply(): void {
    if (!this.waiting.length) return
    this.events.coming()
    const updates = this.waiting
    this.waiting = []
    let whole = false
    try {
      this.doc.transact(({ meta }) => {
        meta.set(MERGED, { updates, from: 'server' } satisfies Merged)
        for (const { update } of updates) Y.applyUpdate(this.doc, update, this.origin)
        whole = true
      }, this.origin)
    } catch (error) {
      // Who watches the doc is told only after all of it is in.
      if (!whole) return this.events.failed()
      this.events.unseen(error)
    }
    this.seq = Math.max(this.seq, this.newest)
    this.events.applied()
  }
}
