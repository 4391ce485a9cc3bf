import { beatsOfPast, beatsOfSitting } from './beats'
import type { Log } from './log.svelte'
import { barsOf, Scale, type Bar, type Beat } from './scale'

const COLUMNS = 140

/** What the slider goes over: everything that happened, from the log or, until that is read, as the sittings tell it. */
export class Track {
  private readonly beats: Beat[] = $derived.by(() => {
    const { past, head, sittings } = this.log
    return past && head ? beatsOfPast(past) : sittings.toReversed().flatMap(beatsOfSitting)
  })
  readonly scale = $derived(new Scale(this.beats))
  readonly bars: Bar[] = $derived(barsOf(this.beats, this.scale, COLUMNS))

  constructor(private readonly log: Log) {}
}
