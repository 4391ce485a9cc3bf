/**
 * Who wrote text first. To split or join paragraphs, or to make a heading or a list of one, is told to Yjs as text that is deleted in one place
 * and inserted in another: that is not writing it.
 */
import { NEVER } from './authors'
import { FORMAT, TEXT, type Strand } from './strand'

/** Text that a step deleted or inserted, as one could read it then: pieces with nothing between them. */
interface Run { strand: Strand; pieces: number[]; text: string }

/** `length` units from `from` on stand in other text from `to` on. */
interface Part { from: number; to: number; length: number }

/** Less than all of a text counts as moved from so many units on: a letter may be the same by chance. */
const LEAST = 4
/** So many texts that went, times those that came, are compared in parts. */
const PAIRS = 10_000
/** So many pieces that nobody saw are looked over between two that belong together, perhaps. */
const FAR = 1000

type Pieces = Map<Strand, number[]>

export class Origins {
  /** For each unit of the texts into which something was moved, the step that wrote it. */
  private readonly known = new Map<Strand, Int32Array>()

  /** From here on the pieces of these strands end where another origin begins. */
  constructor(strands: Iterable<Strand>) {
    for (const [step, gone, come] of rewritten(strands)) this.move(step, gone, come)
    for (const [strand, steps] of this.known) for (let unit = 1; unit < steps.length; unit++) if (steps[unit] !== steps[unit - 1]) strand.cut(unit)
  }

  /** The step that wrote what this piece holds. */
  of(strand: Strand, piece: number): number {
    return this.known.get(strand)?.[strand.start[piece] as number] ?? (strand.inserted[piece] as number)
  }

  private move(step: number, gone: Pieces, come: Pieces): void {
    const from = runs(gone, (strand, piece) => (strand.inserted[piece] as number) < step && (strand.deleted[piece] as number) >= step)
    const to = runs(come, (strand, piece) => (strand.inserted[piece] as number) <= step && (strand.deleted[piece] as number) > step)
    const [left, changed] = this.moveWhole(from, to)
    // Many at once are a whole note that was made a list of, for instance: none of it was typed in at the same time.
    if (left.length * changed.length <= PAIRS) for (const run of changed) this.moveParts(left, run)
  }

  /** Those that are the same in both. The others are given back. */
  private moveWhole(from: Run[], to: Run[]): [from: Run[], to: Run[]] {
    const waiting = new Map<string, Run[]>()
    for (const run of from) {
      const same = waiting.get(run.text)
      if (same) same.push(run)
      else waiting.set(run.text, [run])
    }
    const changed = to.filter((run) => {
      const same = waiting.get(run.text) ?? []
      const other = same.findIndex(({ strand }) => strand !== run.strand)
      if (other < 0) return true
      this.copy(same.splice(other, 1)[0] as Run, run, [{ from: 0, to: 0, length: run.text.length }])
      return false
    })
    return [[...waiting.values()].flat(), changed]
  }

  /** From the one of which most is in it. */
  private moveParts(from: Run[], to: Run): void {
    let [best, parts, most]: [Run | null, Part[], number] = [null, [], 0]
    for (const other of from) {
      if (other.strand === to.strand) continue
      const same = common(other.text, to.text)
      const length = same.reduce((sum, part) => sum + part.length, 0)
      if (length > most) [best, parts, most] = [other, same, length]
    }
    if (!best) return
    from.splice(from.indexOf(best), 1)
    this.copy(best, to, parts)
  }

  private copy(from: Run, to: Run, parts: Part[]): void {
    const [source, target] = [this.stepsOf(from.strand), this.stepsOf(to.strand)]
    const [units, places] = [unitsOf(from), unitsOf(to)]
    for (const part of parts)
      for (let at = 0; at < part.length; at++) target[places[part.to + at] as number] = source[units[part.from + at] as number] as number
  }

  private stepsOf(strand: Strand): Int32Array {
    let steps = this.known.get(strand)
    if (!steps) {
      this.known.set(strand, (steps = new Int32Array(strand.text.length)))
      for (let piece = 0; piece < strand.count; piece++) steps.fill(strand.inserted[piece] as number, strand.start[piece], strand.start[piece + 1])
    }
    return steps
  }
}

/** What one text has of another one: all of it, or what is left and right of where something was typed or taken away in the same second. */
function common(from: string, to: string): Part[] {
  if (from.length >= LEAST && to.includes(from)) return [{ from: 0, to: to.indexOf(from), length: from.length }]
  if (to.length >= LEAST && from.includes(to)) return [{ from: from.indexOf(to), to: 0, length: to.length }]
  const most = Math.min(from.length, to.length)
  let left = 0
  while (left < most && from[left] === to[left]) left++
  let right = 0
  while (right < most - left && from[from.length - 1 - right] === to[to.length - 1 - right]) right++
  if (left + right < Math.max(LEAST, to.length / 2)) return []
  return [{ from: 0, to: 0, length: left }, { from: from.length - right, to: to.length - right, length: right }]
}

function unitsOf({ strand, pieces }: Run): number[] {
  const units: number[] = []
  for (const piece of pieces) for (let unit = strand.start[piece] as number; unit < (strand.start[piece + 1] as number); unit++) units.push(unit)
  return units
}

/** The steps, in their order, that both deleted text and inserted some, and not in the same place: the pieces of both. */
function rewritten(strands: Iterable<Strand>): [step: number, gone: Pieces, come: Pieces][] {
  const all = [...strands]
  const gone = byStep(all, (strand, piece) => strand.deleted[piece] as number)
  gone.delete(NEVER)
  const come = byStep(all, (strand, piece) => strand.inserted[piece] as number, gone)
  return [...come]
    .map(([step, pieces]): [number, Pieces, Pieces] => [step, gone.get(step) as Pieces, pieces])
    .filter(([, from, to]) => from.size > 1 || to.size > 1 || from.keys().next().value !== to.keys().next().value)
    .sort(([one], [other]) => one - other)
}

/** What came and went within one step nobody saw. `only`: these steps. */
function byStep(strands: readonly Strand[], stepOf: (strand: Strand, piece: number) => number, only?: Map<number, Pieces>): Map<number, Pieces> {
  const found = new Map<number, Pieces>()
  for (const strand of strands)
    for (let piece = 0; piece < strand.count; piece++) {
      if (strand.kind[piece] !== TEXT || strand.inserted[piece] === strand.deleted[piece]) continue
      const step = stepOf(strand, piece)
      if (only && !only.has(step)) continue
      let pieces = found.get(step)
      if (!pieces) found.set(step, (pieces = new Map()))
      const here = pieces.get(strand)
      if (here) here.push(piece)
      else pieces.set(strand, [piece])
    }
  return found
}

/** `seen`: whether a piece could be read at that moment. */
function runs(pieces: Pieces, seen: (strand: Strand, piece: number) => boolean): Run[] {
  const found: Run[] = []
  for (const [strand, some] of pieces) {
    let run: Run | null = null
    for (const piece of some) {
      if (!run || !isNext(strand, run.pieces.at(-1) as number, piece, seen)) found.push((run = { strand, pieces: [], text: '' }))
      run.pieces.push(piece)
      run.text += strand.text.slice(strand.start[piece], strand.start[piece + 1])
    }
  }
  return found
}

/** Formats between two texts keep nothing apart. */
function isNext(strand: Strand, one: number, other: number, seen: (strand: Strand, piece: number) => boolean): boolean {
  if (other - one > FAR) return false
  for (let piece = one + 1; piece < other; piece++) if (strand.kind[piece] !== FORMAT && seen(strand, piece)) return false
  return true
}
