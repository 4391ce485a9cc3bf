import type * as Y from 'yjs'
import type { Device } from './device'

/** After so many milliseconds without a change, and in any case after so many. */
const QUIET = 2000
const AT_MOST = 30_000

/** Stores the doc's state on the device now and then: to encode a long note takes a while, so never while somebody types. */
export class Saver {
  private timer: ReturnType<typeof setTimeout> | undefined
  private since: number | null = null

  constructor(private readonly doc: Y.Doc, private readonly device: Device) {
    doc.on('afterTransaction', this.done)
    document.addEventListener('visibilitychange', this.hidden)
    addEventListener('offline', this.now)
  }

  async destroy(): Promise<void> {
    this.doc.off('afterTransaction', this.done)
    document.removeEventListener('visibilitychange', this.hidden)
    removeEventListener('offline', this.now)
    await this.save()
  }

  /** Not 'update': whoever listens to that has Yjs write down what is new, all of a note at first. */
  private done = ({ beforeState, afterState, deleteSet }: Y.Transaction) => {
    if (deleteSet.clients.size || [...afterState].some(([client, clock]) => beforeState.get(client) !== clock)) this.changed()
  }

  private changed() {
    clearTimeout(this.timer)
    this.since ??= performance.now()
    const wait = Math.max(0, Math.min(QUIET, this.since + AT_MOST - performance.now()))
    this.timer = setTimeout(() => whenIdle(() => void this.save()), wait)
  }

  private now = () => void this.save()

  private hidden = () => {
    if (document.hidden) this.now()
  }

  private async save(): Promise<void> {
    clearTimeout(this.timer)
    if (this.since === null) return
    const { since } = this
    this.since = null
    if (!(await this.device.save())) this.since ??= since
  }
}

/** Safari has no requestIdleCallback. */
function whenIdle(work: () => void): void {
  if ('requestIdleCallback' in globalThis) requestIdleCallback(work, { timeout: QUIET })
  else setTimeout(work)
}
