import type { Log } from './log.svelte'
import { playOn, type Speed } from './playing'
import type { Track } from './track.svelte'
import type { Viewing } from './viewing.svelte'

/** How far one step goes. */
export type Stride = 'change' | 'sitting' | 'version'

/** Goes through the moments: by steps, or by itself. */
export class Player {
  stride = $state<Stride>('change')
  speed = $state<Speed>(1)
  playing = $state(false)
  private frame = 0

  constructor(private readonly log: Log, private readonly track: Track, private readonly viewing: Viewing) {}

  /** One step on (1) or back (-1). */
  step(direction: 1 | -1, stride: Stride = this.stride): void {
    const { log: { past, beginning, history }, viewing, viewing: { at } } = this
    if (!past) return
    this.pause()
    if (stride === 'change') return viewing.lookAt(direction > 0 ? past.next(at) : past.previous(at))
    const stops = stride === 'sitting' ? this.track.scale.ends : (history?.versions.map(({ seq }) => seq) ?? [])
    const all = [beginning, ...stops, past.head]
    viewing.lookAt((direction > 0 ? all.find((seq) => seq > at) : all.findLast((seq) => seq < at)) ?? at)
  }

  play(): void {
    const { log: { past }, viewing } = this
    const { view } = viewing
    if (!past || !view) return
    viewing.lookAt(view.kind === 'range' ? view.from : viewing.at >= past.head ? past.first : viewing.at)
    this.playing = true
    let [before, budget, shown] = [performance.now(), 0, viewing.view]
    const go = (time: number) => {
      // Whoever looks at something else meanwhile has stopped it.
      if (viewing.view !== shown) return this.pause()
      budget += Math.min(time - before, 1000)
      before = time
      const { at, left } = playOn(past, viewing.at, budget, this.speed)
      budget = left
      if (at !== viewing.at) viewing.view = shown = { kind: 'moment', at }
      if (at >= past.head) return this.pause()
      this.frame = requestAnimationFrame(go)
    }
    this.frame = requestAnimationFrame(go)
  }

  pause(): void {
    this.playing = false
    cancelAnimationFrame(this.frame)
  }
}
