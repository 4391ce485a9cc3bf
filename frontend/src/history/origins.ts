/**
 * Who wrote text first. To split or join paragraphs, or to make a heading or a list of one, is told to Yjs as text that is deleted in one place
 * and inserted in another: that is not writing it.
 */
import { NEVER } from './authors'
import { FORMAT, TEXT, type Strand } from './strand'

/** Text that a step deleted or inserted, as one could read it then, and where each of its units stands. */
interface Run { strand: Strand; units: number[]; text: string }

/** `length` units from `from` on stand in other text from `to` on. */
interface Part { from: number; to: number; length: number }

/** Less than all of a text counts as moved from so many units on: a letter may be the same by chance. */
const LEAST = 4
/** So many texts are compared in parts with one another, for each step. */
const COMPARED = 10_000
/** So many pieces that nobody saw are looked over between two that belong together, perhaps. */
const FAR = 1000

type Pieces = Map<Strand, number[]>

export class Origins {
  /** For each unit of the texts into which something was moved, the step that wrote it. */
  private readonly known = new Map<Strand, Int32Array>()

  /** From here on the pieces of these strands end where another origin begins. */
  constructor(strands: Iterable<Strand>) {
    for (const [step, gone, come] of rewritten(strands)) this.move(step, gone, come)
    for (const [strand, steps] of this.known) {
      const ends: number[] = []
      for (let unit = 1; unit < steps.length; unit++) if (steps[unit] !== steps[unit - 1]) ends.push(unit)
      strand.cut(ends)
    }
  }

  /** The step that wrote what this piece holds. */
  of(strand: Strand, piece: number): number {
    return this.known.get(strand)?.[strand.start[piece] as number] ?? (strand.inserted[piece] as number)
  }

  private move(step: number, gone: Pieces, come: Pieces): void {
    const from = runs(gone, (strand, piece) => (strand.inserted[piece] as number) < step && (strand.deleted[piece] as number) >= step)
    const to = runs(come, (strand, piece) => (strand.inserted[piece] as number) <= step && (strand.deleted[piece] as number) > step)
    this.moveParts(...this.moveWhole(from, to))
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
      this.copy(same.splice(other, 1)[0] as Run, run, { from: 0, to: 0, length: run.text.length })
      return false
    })
    return [[...waiting.values()].flat(), changed]
  }

  /** Something was typed in the same step, or the text was parted twice: of what came each part is from where most of it was, then the rest. */
  private moveParts(from: Run[], to: Run[]): void {
    for (let left = COMPARED; to.length && left > 0;) {
      const run = to.shift() as Run
      let [best, parts, most]: [number, Part[], number] = [-1, [], 0]
      for (const [at, other] of from.entries()) {
        if (other.strand === run.strand || left-- <= 0) continue
        const same = common(other.text, run.text)
        const length = same.reduce((sum, part) => sum + part.length, 0)
        if (length > most) [best, parts, most] = [at, same, length]
      }
      const other = from[best]
      if (!other) continue
      for (const part of parts) this.copy(other, run, part)
      from.splice(best, 1, ...rest(other, parts, 'from'))
      to.push(...rest(run, parts, 'to'))
    }
  }

  private copy(from: Run, to: Run, part: Part): void {
    const [source, target] = [this.stepsOf(from.strand), this.stepsOf(to.strand)]
    for (let at = 0; at < part.length; at++) target[to.units[part.to + at] as number] = source[from.units[part.from + at] as number] as number
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

/** What one text has of another one: all of it, or what is left and right of where something was typed or taken away. */
function common(from: string, to: string): Part[] {
  if (from === to) return [{ from: 0, to: 0, length: from.length }]
  if (from.length >= LEAST && to.includes(from)) return [{ from: 0, to: to.indexOf(from), length: from.length }]
  if (to.length >= LEAST && from.includes(to)) return [{ from: from.indexOf(to), to: 0, length: to.length }]
  const most = Math.min(from.length, to.length)
  let left = 0
  while (left < most && from[left] === to[left]) left++
  let right = 0
  while (right < most - left && from[from.length - 1 - right] === to[to.length - 1 - right]) right++
  // No character is cut in two.
  if (left && isHigh(from, left - 1)) left--
  if (right && isLow(from, from.length - right)) right--
  if (left + right < Math.max(LEAST, to.length / 2)) return []
  return [{ from: 0, to: 0, length: left }, { from: from.length - right, to: to.length - right, length: right }].filter(({ length }) => length)
}

const isHigh = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xd800
const isLow = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xdc00

/** What is between these parts. */
function rest({ strand, units, text }: Run, parts: readonly Part[], side: 'from' | 'to'): Run[] {
  const found: Run[] = []
  let at = 0
  for (const part of [...parts, { from: text.length, to: text.length, length: 0 }]) {
    const end = part[side]
    if (end > at) found.push({ strand, units: units.slice(at, end), text: text.slice(at, end) })
    at = end + part.length
  }
  return found
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
    let [run, last]: [Run | null, number] = [null, 0]
    for (const piece of some) {
      if (!run || !isNext(strand, last, piece, seen)) found.push((run = { strand, units: [], text: '' }))
      for (let unit = strand.start[piece] as number; unit < (strand.start[piece + 1] as number); unit++) run.units.push(unit)
      run.text += strand.text.slice(strand.start[piece], strand.start[piece + 1])
      last = piece
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
