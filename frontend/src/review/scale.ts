/** Where a moment is on the slider: time, with the pauses folded. Places go from 0 to 1, times are milliseconds. */

/** Something that happened: entries of one person at one time. */
export interface Beat { seq: number; time: number; user: number | null; weight: number }

const PAUSE = 30 * 60_000
/** How much of the slider the pauses may take together, and one of them. */
const PAUSES = 0.3
const PAUSE_WIDTH = 0.03

export class Scale {
  /** Of each beat. They never go back. */
  private readonly places: Float64Array
  /** The last entries before pauses, and of all, oldest first. */
  readonly ends: readonly number[]

  /** `beats` in the order of their entries. Clocks may step back: then time stands still. */
  constructor(private readonly beats: readonly Beat[]) {
    const times = new Float64Array(beats.length)
    /** The index of the first beat after each pause. */
    const starts: number[] = []
    for (const [index, { time }] of beats.entries()) {
      const before = times[index - 1] ?? -Infinity
      times[index] = Math.max(time, before)
      if (time - before > PAUSE) starts.push(index)
    }
    const spells = starts.map((first, at) => ({ first, last: (starts[at + 1] ?? beats.length) - 1 }))
    const lasts = ({ first, last }: { first: number; last: number }) => times[last]! - times[first]!
    // A long sitting is wider than a short one, but not as much as it is longer: else the short ones could not be hit.
    const widths = spells.map((spell) => Math.sqrt(60_000 + lasts(spell)))
    const gaps = Math.min(PAUSES, PAUSE_WIDTH * (spells.length - 1))
    const gap = spells.length > 1 ? gaps / (spells.length - 1) : 0
    const unit = (1 - gaps) / (widths.reduce((sum, width) => sum + width, 0) || 1)
    this.places = new Float64Array(beats.length)
    let left = 0
    for (const [at, spell] of spells.entries()) {
      const width = widths[at]! * unit
      for (let index = spell.first; index <= spell.last; index += 1)
        this.places[index] = left + width * (lasts(spell) ? (times[index]! - times[spell.first]!) / lasts(spell) : 1)
      left += width + gap
    }
    this.ends = spells.map(({ last }) => beats[last]!.seq)
  }

  /** The place of the moment `seq`. */
  place(seq: number): number {
    const at = this.last((index) => this.beats[index]!.seq <= seq)
    return this.places[at] ?? 0
  }

  /** The last beat at or before a place; null: there is none. */
  beatAt(place: number): Beat | null {
    return this.beats[Math.max(0, this.last((index) => this.places[index]! <= place + 1e-9))] ?? null
  }

  /** The last beat for which this holds, of those that are in order; -1: none. */
  private last(holds: (index: number) => boolean): number {
    let [low, high] = [-1, this.beats.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (holds(middle)) low = middle
      else high = middle - 1
    }
    return low
  }
}

export interface Bar { user: number | null; place: number; height: number }

/** Who did how much when: bars of heights up to 1, the higher ones first, so that the others stand before them. */
export function barsOf(beats: readonly Beat[], scale: Scale, columns: number): Bar[] {
  const sums = new Map<string, Bar>()
  for (const { seq, user, weight } of beats) {
    const column = Math.min(columns - 1, Math.floor(scale.place(seq) * columns))
    const key = `${column} ${user}`
    const bar = sums.get(key) ?? { user, place: column / columns, height: 0 }
    bar.height += weight
    sums.set(key, bar)
  }
  const highest = Math.max(1, ...[...sums.values()].map(({ height }) => height))
  return [...sums.values()].map((bar) => ({ ...bar, height: Math.max(0.1, Math.sqrt(bar.height / highest)) })).sort((a, b) => b.height - a.height)
}
