/** Where words ever stood in a note, for whoever wants them gone for good. */
import { NEVER } from './authors'
import { CHILD, FORMAT, TEXT, type Strand } from './strand'
import { Moment } from './views'
import type { Weave } from './weave'

export interface Found {
  /** Yjs ids of what is not in the note as it is now. */
  pieces: [client: number, clock: number, length: number][]
  /** The words are in the note as it is now, too. */
  present: boolean
}

/**
 * Every place where `words` stood in a text at any moment, typed at once or letter by letter; links and other values that hold them
 * are found as well. Letters that stood between and were deleted before the words were whole are not part of them.
 */
export function find(weave: Weave, words: string): Found {
  const found: Found = { pieces: [], present: false }
  if (!words) return found
  const head = new Moment(weave.head)
  const look = (strand: Strand, isThere: boolean) => {
    lookInText(strand, words, isThere ? head : null, found)
    lookInValues(strand, words, isThere ? head : null, found)
    for (let piece = 0; piece < strand.count; piece++) if (strand.kind[piece] === CHILD) look(strand.child(piece), isThere && head.has(strand, piece))
  }
  look(weave.title, true)
  look(weave.body, true)
  return found
}

function lookInText(strand: Strand, words: string, head: Moment | null, found: Found): void {
  if (![...words].every((character) => strand.text.includes(character))) return
  const places = placesIn(strand, words)
  for (let piece = 0; piece < strand.count; piece++) {
    if (strand.kind[piece] !== TEXT || head?.has(strand, piece)) continue
    const start = strand.start[piece] as number
    const end = strand.start[piece + 1] as number
    for (let from = start, to = start; from < end; from = to + 1) {
      for (to = from; to < end && places[to]; ) to++
      if (to > from) found.pieces.push([strand.client[piece] as number, (strand.clock[piece] as number) + from - start, to - from])
    }
  }
  if (!head) return
  let now = ''
  for (let piece = 0; piece < strand.count; piece++)
    if (strand.kind[piece] === TEXT && head.has(strand, piece)) now += strand.text.slice(strand.start[piece], strand.start[piece + 1])
  found.present ||= now.includes(words)
}

/** Marks values, of formats and attributes. */
function lookInValues(strand: Strand, words: string, head: Moment | null, found: Found): void {
  const holds = (value: unknown): boolean =>
    typeof value === 'string' ? value.includes(words) : typeof value === 'object' && value !== null && Object.values(value).some(holds)
  const note = (isNow: boolean, client: number, clock: number) => {
    if (isNow) found.present = true
    else found.pieces.push([client, clock, 1])
  }
  for (let piece = 0; piece < strand.count; piece++)
    if (strand.kind[piece] === FORMAT && holds(strand.format(piece).value)) note(!!head?.has(strand, piece), strand.client[piece] as number, strand.clock[piece] as number)
  const now = head?.attributes(strand)
  for (const value of strand.attributes.flat()) if (holds(value.value)) note(now?.get(value.key) === value, value.client, value.clock)
}

/** For each unit of a strand 1 if it was ever part of the words. Replays the text group by group and looks only around what changed. */
function placesIn(strand: Strand, words: string): Uint8Array {
  const places = new Uint8Array(strand.text.length)
  const pieces = Array.from({ length: strand.count }, (_, piece) => piece).filter((piece) => strand.kind[piece] === TEXT)
  const coming = [...pieces].sort((a, b) => (strand.inserted[a] as number) - (strand.inserted[b] as number))
  const going = pieces.filter((piece) => strand.deleted[piece] !== NEVER).sort((a, b) => (strand.deleted[a] as number) - (strand.deleted[b] as number))
  const shown = new Bits(strand.count)
  const letters = new Set(words.split(''))
  const isPart = (piece: number) => {
    // Whatever stands in the words has one of their letters at one of its ends, or in it when it is longer than they are.
    const [start, end] = [strand.start[piece] as number, strand.start[piece + 1] as number]
    return end - start > words.length || letters.has(strand.text[start] as string) || letters.has(strand.text[end - 1] as string)
  }
  const look = (around: number) => {
    if (shown.has(around) && !isPart(around)) return
    const near: number[] = shown.has(around) ? [around] : []
    for (let piece = shown.before(around), length = words.length - 1; piece >= 0 && length > 0; piece = shown.before(piece)) {
      near.unshift(piece)
      length -= lengthOf(strand, piece)
    }
    for (let piece = shown.after(around), length = words.length - 1; piece >= 0 && length > 0; piece = shown.after(piece)) {
      near.push(piece)
      length -= lengthOf(strand, piece)
    }
    mark(strand, near, words, places)
  }
  let [next, gone] = [0, 0]
  while (next < coming.length || gone < going.length) {
    const group = Math.min(strand.inserted[coming[next] ?? -1] ?? NEVER, strand.deleted[going[gone] ?? -1] ?? NEVER)
    const [first, last] = [next, gone]
    // What stood only within a group is found, too: first everything comes, then what goes goes.
    while (next < coming.length && strand.inserted[coming[next] as number] === group) shown.add(coming[next++] as number)
    for (const piece of coming.slice(first, next)) look(piece)
    while (gone < going.length && strand.deleted[going[gone] as number] === group) shown.remove(going[gone++] as number)
    for (const piece of going.slice(last, gone)) look(piece)
  }
  return places
}

const lengthOf = (strand: Strand, piece: number) => (strand.start[piece + 1] as number) - (strand.start[piece] as number)

/** Mark the words in these pieces, read one after the other. */
function mark(strand: Strand, pieces: readonly number[], words: string, places: Uint8Array): void {
  const text = pieces.map((piece) => strand.text.slice(strand.start[piece], strand.start[piece + 1])).join('')
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    let before = 0
    for (const piece of pieces) {
      const length = lengthOf(strand, piece)
      const start = strand.start[piece] as number
      const [from, to] = [Math.max(at - before, 0), Math.min(at + words.length - before, length)]
      if (from < to) places.fill(1, start + from, start + to)
      before += length
    }
  }
}

/** A set of numbers below `size` that knows the neighbours of a number. */
class Bits {
  private readonly words: Uint32Array
  /** A bit for each word that is not empty. */
  private readonly summary: Uint32Array

  constructor(size: number) {
    this.words = new Uint32Array((size >> 5) + 1)
    this.summary = new Uint32Array((this.words.length >> 5) + 1)
  }

  has(bit: number): boolean {
    return ((this.words[bit >> 5] as number) & (1 << (bit & 31))) !== 0
  }

  add(bit: number): void {
    const word = bit >> 5
    this.words[word] = (this.words[word] as number) | (1 << (bit & 31))
    this.summary[word >> 5] = (this.summary[word >> 5] as number) | (1 << (word & 31))
  }

  remove(bit: number): void {
    const word = bit >> 5
    this.words[word] = (this.words[word] as number) & ~(1 << (bit & 31))
    if (!this.words[word]) this.summary[word >> 5] = (this.summary[word >> 5] as number) & ~(1 << (word & 31))
  }

  /** The next lower one; -1: none. */
  before(bit: number): number {
    const word = bit >> 5
    const own = lowerThan(this.words[word] as number, bit & 31)
    if (own) return (word << 5) + highest(own)
    const inner = lowerThan(this.summary[word >> 5] as number, word & 31)
    let block = word >> 5
    let some = inner
    while (!some && block > 0) some = this.summary[--block] as number
    if (!some) return -1
    const found = (block << 5) + highest(some)
    return (found << 5) + highest(this.words[found] as number)
  }

  /** The next higher one; -1: none. */
  after(bit: number): number {
    const word = bit >> 5
    const own = higherThan(this.words[word] as number, bit & 31)
    if (own) return (word << 5) + lowest(own)
    let block = word >> 5
    let some = higherThan(this.summary[block] as number, word & 31)
    while (!some && block < this.summary.length - 1) some = this.summary[++block] as number
    if (!some) return -1
    const found = (block << 5) + lowest(some)
    return (found << 5) + lowest(this.words[found] as number)
  }
}

const lowerThan = (word: number, bit: number) => word & ((1 << bit) - 1)
const higherThan = (word: number, bit: number) => (bit === 31 ? 0 : word & (-2 << bit))
const highest = (word: number) => 31 - Math.clz32(word)
const lowest = (word: number) => 31 - Math.clz32(word & -word)
