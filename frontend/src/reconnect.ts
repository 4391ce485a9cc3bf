/** When to try again: full jitter, so that a thousand tabs do not come back in the same moment. */

const LEAST = 100
const MOST = 15_000
const BASE = 500

/** Milliseconds to wait before try number `attempt` (0, 1, 2, ...). */
export function delayOf(attempt: number, random: () => number = Math.random): number {
  return Math.max(LEAST, random() * Math.min(MOST, BASE * 2 ** attempt))
}

/** Calls `attempt` later; at once when the network comes back or somebody looks at the page again. `cut`: the network is gone. */
export class Reconnect {
  private attempts = 0
  /** By performance.now: somebody may set the clock of the day. */
  private earliest = 0
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly attempt: () => void, private readonly cut: () => void) {
    if (typeof window === 'undefined') return
    addEventListener('online', this.hurry)
    addEventListener('offline', this.cut)
    document.addEventListener('visibilitychange', this.hurry)
  }

  later(): void {
    if (this.timer !== undefined) return
    const delay = Math.max(delayOf(this.attempts), this.earliest - performance.now())
    this.attempts += 1
    this.timer = setTimeout(() => this.now(), delay)
  }

  now(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.attempt()
  }

  /** The server asked for this many seconds before anybody comes back. */
  notWithin(seconds: number): void {
    this.earliest = performance.now() + seconds * 1000
  }

  /** It worked: the next trouble begins with short waits again. */
  worked(): void {
    this.attempts = 0
  }

  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  destroy(): void {
    this.stop()
    if (typeof window === 'undefined') return
    removeEventListener('online', this.hurry)
    removeEventListener('offline', this.cut)
    document.removeEventListener('visibilitychange', this.hurry)
  }

  private hurry = () => {
    const hidden = typeof document !== 'undefined' && document.hidden
    if (this.timer !== undefined && !hidden && performance.now() >= this.earliest) this.now()
  }
}
