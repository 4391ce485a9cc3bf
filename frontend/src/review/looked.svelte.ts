import { ApiError } from '../api'
import { keptBoot } from '../boot'
import { forgetLook, rememberLook, untoldLook } from '../kept'
import { history, looked, soon, type History } from './server'

/** A note that was shown for so many milliseconds was looked at. */
const GLANCE = 1000
/** Whoever comes back after so many milliseconds is told what has changed meanwhile. */
const AWAY = 5 * 60_000

/**
 * What somebody has seen of a note. What is new is told by what the server knew when the note was opened; the server is told that it
 * was looked at only when they leave, so that opening a note never takes away what there was to see.
 */
export class Looked {
  /** What the server said when the note was opened; null: it has not answered, or may not tell. */
  history = $state.raw<History | null>(null)
  private told = 0
  private glanced = false
  private left = 0
  private closed = false
  private timer: ReturnType<typeof setTimeout> | undefined

  /** `newest`: the newest entry that is shown; 0: none is, or not to this person. */
  constructor(private readonly documentId: string, private readonly userId: number, private readonly newest: () => number) {
    document.addEventListener('visibilitychange', this.turned)
    addEventListener('pagehide', this.gone)
    this.look()
    void this.ask()
  }

  /** They have looked at what is there now. */
  tell(): void {
    const seq = this.newest()
    if (!this.glanced || !this.history || seq <= this.told) return
    this.told = seq
    // Whoever is signing out leaves nothing here.
    if (keptBoot().user?.id === this.userId) rememberLook(this.userId, this.documentId, seq)
    void this.send(seq)
  }

  destroy(): void {
    this.closed = true
    clearTimeout(this.timer)
    document.removeEventListener('visibilitychange', this.turned)
    removeEventListener('pagehide', this.gone)
    this.tell()
  }

  /** A page that is left may not get this to the server (a service worker stands in between): what did not arrive is told at the next opening. */
  private async send(seq: number): Promise<void> {
    try {
      await looked(this.documentId, seq)
      if (untoldLook(this.userId, this.documentId) === seq) forgetLook(this.userId, this.documentId)
    } catch (error) {
      unlessAway(error)
      // There is no such entry any more: it was of another history.
      if (error instanceof ApiError && error.type === 'not-found') forgetLook(this.userId, this.documentId)
    }
  }

  private async ask(): Promise<void> {
    const before = untoldLook(this.userId, this.documentId)
    if (before) await this.send(before)
    let answer = await history(this.documentId).catch(unlessAway)
    while (answer?.behind && !this.closed) {
      await soon()
      answer = await history(this.documentId).catch(unlessAway)
    }
    if (answer) this.history = answer
  }

  private look(): void {
    if (!document.hidden) this.timer = setTimeout(() => (this.glanced = true), GLANCE)
  }

  private gone = () => this.tell()

  private turned = () => {
    clearTimeout(this.timer)
    if (document.hidden) {
      this.left = Date.now()
      this.tell()
      this.glanced = false
    } else {
      if (this.left && Date.now() - this.left > AWAY) void this.ask()
      this.look()
    }
  }
}

/** Nobody waits for this answer: without the network, or without the right to see, there is simply nothing to tell. */
function unlessAway(error: unknown): undefined {
  if (!(error instanceof ApiError)) throw error
}
