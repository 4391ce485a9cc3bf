/** One text, element or root of a note with all that was ever in it, in its order. */
import * as Y from 'yjs'
import { NEVER, type Authors } from './authors'

export const TEXT = 0
export const FORMAT = 1
export const CHILD = 2
export const EMBED = 3

export interface Id { client: number; clock: number }

export interface Format { readonly key: string; readonly value: unknown }

/** A value that an attribute had, and the groups that set it and took it away. */
export interface Attribute extends Readonly<Id> { readonly key: string; readonly value: unknown; readonly inserted: number; readonly deleted: number }

/** Stands in `text` for a unit that is no character. */
const NO_CHARACTER = '\ufffc'

/**
 * Pieces as columns: the piece `k` takes the units from `start[k]` to `start[k + 1]` (as Yjs counts: a UTF-16 unit, a format, a child),
 * was put there by the group `inserted[k]` and taken away by `deleted[k]` (NEVER: it is there still). Within a piece these are the same
 * for all units. The order of the pieces is the one they have in the note at every moment.
 */
export class Strand {
  count = 0
  start = new Int32Array(1)
  inserted = new Int32Array(0)
  deleted = new Int32Array(0)
  kind = new Uint8Array(0)
  /** The Yjs id of the first unit of each piece. */
  client = new Float64Array(0)
  clock = new Float64Array(0)
  /** A character for each unit. */
  text = ''
  /** The values of each attribute, in an order in which the last that exists counts. */
  attributes: readonly (readonly Attribute[])[] = []
  /** Where it stands in its parent. */
  unit = 0
  /** Rises when units may have moved. */
  version = 0
  private others = new Map<number, Format | Strand | unknown>()

  /** `name`: of an element; '' for a root, null for a text. */
  constructor(readonly name: string | null, readonly parent: Strand | null) {}

  format(piece: number): Format {
    return this.others.get(this.start[piece] ?? -1) as Format
  }

  child(piece: number): Strand {
    return this.others.get(this.start[piece] ?? -1) as Strand
  }

  embed(piece: number): unknown {
    return this.others.get(this.start[piece] ?? -1)
  }

  /** The piece that holds this unit. */
  pieceAt(unit: number): number {
    let low = 0
    let high = this.count - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.start[middle] as number) <= unit) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The Yjs id of a unit: it stays when units move. */
  idAt(unit: number): Id {
    const piece = this.pieceAt(unit)
    return { client: this.client[piece] as number, clock: (this.clock[piece] as number) + unit - (this.start[piece] as number) }
  }

  /** Where the unit with this id is now. */
  unitOf({ client, clock }: Id): number {
    for (let piece = 0; piece < this.count; piece++) {
      const offset = clock - (this.clock[piece] as number)
      const unit = (this.start[piece] as number) + offset
      if (this.client[piece] === client && offset >= 0 && unit < (this.start[piece + 1] as number)) return unit
    }
    throw new Error(`expected a unit of this strand, got ${client} ${clock}`)
  }

  /** From here on pieces begin at these units, too. */
  cut(units: readonly number[]): void {
    const all = new Set([...this.start, ...units.filter((unit) => unit > 0 && unit < this.text.length)])
    if (all.size === this.start.length) return
    const start = Int32Array.from(all).sort()
    const from = Int32Array.from(start.subarray(0, -1), (unit) => this.pieceAt(unit))
    const { start: before, inserted, deleted, kind, client, clock } = this
    this.start = start
    this.inserted = Int32Array.from(from, (piece) => inserted[piece] as number)
    this.deleted = Int32Array.from(from, (piece) => deleted[piece] as number)
    this.kind = Uint8Array.from(from, (piece) => kind[piece] as number)
    this.client = Float64Array.from(from, (piece) => client[piece] as number)
    this.clock = Float64Array.from(from, (piece, at) => (clock[piece] as number) + (start[at] as number) - (before[piece] as number))
    this.count = from.length
  }

  /** Read what `type` holds. `strandOf` gives the strand of a type inside it. */
  fill(type: Y.AbstractType<unknown>, authors: Authors, strandOf: (type: Y.AbstractType<unknown>, parent: Strand) => Strand): void {
    const start: number[] = []
    const insertedBy: number[] = []
    const deletedBy: number[] = []
    const kinds: number[] = []
    const clients: number[] = []
    const clocks: number[] = []
    const text: string[] = []
    const others = new Map<number, Format | Strand | unknown>()
    let unit = 0
    for (let item = type._start; item; item = item.right) {
      const { content, id } = item
      // Its content is gone for good: it was deleted before it came into the log, or it was erased.
      if (content instanceof Y.ContentDeleted) continue
      const kind = content instanceof Y.ContentString ? TEXT : content instanceof Y.ContentFormat ? FORMAT : content instanceof Y.ContentType ? CHILD : EMBED
      authors.cut(id.client, id.clock, item.length, (offset, length, by, until) => {
        start.push(unit)
        insertedBy.push(by)
        deletedBy.push(until)
        kinds.push(kind)
        clients.push(id.client)
        clocks.push(id.clock + offset)
        if (content instanceof Y.ContentString) text.push(length === item.length ? content.str : content.str.substr(offset, length))
        else {
          text.push(NO_CHARACTER.repeat(length))
          if (content instanceof Y.ContentType) {
            const child = strandOf(content.type, this)
            child.unit = unit
            others.set(unit, child)
          } else others.set(unit, content instanceof Y.ContentFormat ? { key: content.key, value: content.value } : content.getContent().at(-1))
        }
        unit += length
      })
    }
    start.push(unit)
    this.version += 1
    this.count = insertedBy.length
    this.start = Int32Array.from(start)
    this.inserted = Int32Array.from(insertedBy)
    this.deleted = Int32Array.from(deletedBy)
    this.kind = Uint8Array.from(kinds)
    this.client = Float64Array.from(clients)
    this.clock = Float64Array.from(clocks)
    this.text = text.join('')
    this.others = others
    this.attributes = [...type._map].map(([key, last]) => valuesOf(key, last, authors))
  }
}

function valuesOf(key: string, last: Y.Item, authors: Authors): Attribute[] {
  const values: Attribute[] = []
  for (let item: Y.Item | null = last; item; item = item.left) {
    const { content, id, length } = item
    // Yjs puts old values of one client together in one item.
    const some: Attribute[] = []
    authors.cut(id.client, id.clock, length, (offset, count, inserted, deleted) => {
      some.push({ key, value: content.getContent()[offset + count - 1], inserted, deleted, client: id.client, clock: id.clock + offset + count - 1 })
    })
    values.push(...some.reverse())
  }
  return values.reverse()
}

/** All groups that touched anything in it, however deep, in their order. */
export function touchedIn(strand: Strand): Int32Array<ArrayBuffer> {
  const all: Int32Array[] = []
  const single: number[] = []
  const collect = (some: Strand) => {
    all.push(some.inserted, some.deleted)
    for (const values of some.attributes) for (const { inserted, deleted } of values) single.push(inserted, deleted)
    for (let piece = 0; piece < some.count; piece++) if (some.kind[piece] === CHILD) collect(some.child(piece))
  }
  collect(strand)
  const sorted = new Int32Array(all.reduce((sum, { length }) => sum + length, single.length))
  let at = 0
  for (const column of [...all, single]) {
    sorted.set(column, at)
    at += column.length
  }
  sorted.sort()
  let count = 0
  for (const group of sorted) if (group !== NEVER && (!count || sorted[count - 1] !== group)) sorted[count++] = group
  return sorted.slice(0, count)
}

/** How many of the sorted `values` are below `limit`. */
export function below(values: Int32Array, limit: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] as number) < limit) low = middle + 1
    else high = middle
  }
  return low
}
