/**
 * Which pieces are there. One question for everything: a moment, the present without some of what was done, a part of it without that.
 * Drawing, comparing and restoring are walks over the weave that ask one view or two.
 */
import { NEVER } from './authors'
import { CHILD, TEXT, type Attribute, type Id, type Strand } from './strand'

export interface View {
  /** Is this piece there, if what it stands in is? */
  has(strand: Strand, piece: number): boolean
  attributes(strand: Strand): Attributes
  /** Formats reach over pieces: those of the text are told by whole views, of which `part` says the one that counts for a piece. */
  readonly parts: readonly View[]
  part(strand: Strand, piece: number): number
}

/** Attributes that have a value, and where it comes from. */
export type Attributes = ReadonlyMap<string, Attribute>

const NONE: Attributes = new Map()

function attributesOf(strand: Strand, exists: (group: number) => boolean, gone: (group: number) => boolean): Attributes {
  if (!strand.attributes.length) return NONE
  const found = new Map<string, Attribute>()
  for (const values of strand.attributes) {
    const last = values.findLast(({ inserted }) => exists(inserted))
    if (last && !gone(last.deleted)) found.set(last.key, last)
  }
  return found
}

/** The group that put a strand where it is. */
const insertedBy = ({ parent, unit }: Strand) => parent?.inserted[parent.pieceAt(unit)]

/** The note after the first `n` groups. */
export class Moment implements View {
  readonly parts = [this]

  constructor(readonly n: number) {}

  has(strand: Strand, piece: number): boolean {
    return (strand.inserted[piece] as number) < this.n && this.n <= (strand.deleted[piece] as number)
  }

  attributes(strand: Strand): Attributes {
    const past = (group: number) => group < this.n
    return attributesOf(strand, past, past)
  }

  part(): number {
    return 0
  }
}

/** The present (after `head` groups) as if the groups for which `undone` is true had not been. */
export class Undone implements View {
  readonly parts = [this]
  /** The view that this one is a part of. */
  whole: View = this

  constructor(private readonly undone: (group: number) => boolean) {}

  has(strand: Strand, piece: number): boolean {
    const deleted = strand.deleted[piece] as number
    if (deleted !== NEVER && !this.undone(deleted)) return false
    if (!this.undone(strand.inserted[piece] as number)) return true
    // What others have written in it stays, and so does what holds it.
    return strand.kind[piece] === CHILD && this.isFilled(strand.child(piece))
  }

  private isFilled(strand: Strand): boolean {
    for (let piece = 0; piece < strand.count; piece++) {
      const kind = strand.kind[piece]
      if ((kind === TEXT || kind === CHILD) && this.whole.has(strand, piece) && (kind === TEXT || this.isFilled(strand.child(piece)))) return true
    }
    return false
  }

  attributes(strand: Strand): Attributes {
    // What stays because others wrote in it stays what it was made.
    const made = insertedBy(strand)
    return attributesOf(strand, (group) => group === made || !this.undone(group), (group) => group !== NEVER && !this.undone(group))
  }

  part(): number {
    return 0
  }
}

/** Units [from, to) as they stood when the strand had this version, and the ids of the first and the last of them. */
interface Range { from: number; to: number; version: number; first: Id; last: Id }

/** Parts of the weave: units of strands, and strands whose attributes belong to it. */
export class Limits {
  private readonly ranges = new Map<Strand, Range[]>()
  private readonly around = new Set<Strand>()
  readonly attributes = new Set<Strand>()

  /** Within a strand, in its order. */
  add(strand: Strand, from: number, to: number): void {
    if (from >= to) return
    const ranges = this.ranges.get(strand)
    const last = ranges?.at(-1)
    if (last && last.to >= from) {
      if (last.to < to) {
        last.to = to
        last.last = strand.idAt(to - 1)
      }
      return
    }
    const range = { from, to, version: strand.version, first: strand.idAt(from), last: strand.idAt(to - 1) }
    if (ranges) ranges.push(range)
    else this.ranges.set(strand, [range])
    for (let parent: Strand | null = strand; parent; parent = parent.parent) this.around.add(parent)
  }

  /** All of it: the child itself, and everything in it. */
  addWhole(strand: Strand): void {
    if (strand.parent) this.add(strand.parent, strand.unit, strand.unit + 1)
    this.addInside(strand)
  }

  /** Everything in it, and its attributes. */
  addInside(strand: Strand): void {
    this.add(strand, 0, strand.text.length)
    this.attributes.add(strand)
    for (let piece = 0; piece < strand.count; piece++) if (strand.kind[piece] === CHILD) this.addInside(strand.child(piece))
  }

  /** Find them again in strands that have grown, and let pieces begin and end where they do. Needed before anything is asked. */
  settle(): void {
    for (const [strand, ranges] of this.ranges)
      for (const range of ranges) {
        if (range.version !== strand.version)
          Object.assign(range, { from: strand.unitOf(range.first), to: strand.unitOf(range.last) + 1, version: strand.version })
        strand.cut([range.from, range.to])
      }
  }

  holds(strand: Strand, piece: number): boolean {
    const unit = strand.start[piece] as number
    const ranges = this.ranges.get(strand)
    if (!ranges) return false
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ranges[middle] as Range).to <= unit) low = middle + 1
      else high = middle
    }
    return (ranges[low]?.from ?? Infinity) <= unit
  }

  /** Is some of it in there? */
  reach(strand: Strand): boolean {
    return this.around.has(strand)
  }
}

/** `inside` within the limits, `outside` elsewhere. What must be there to hold what `inside` brings back comes back, too. */
export class Limited implements View {
  readonly parts: readonly View[]
  private readonly known = new Map<Strand, boolean>()

  constructor(private readonly inside: View, private readonly outside: View, private readonly limits: Limits) {
    this.parts = [outside, inside]
    if (inside instanceof Undone) inside.whole = this
  }

  has(strand: Strand, piece: number): boolean {
    if (this.limits.holds(strand, piece)) return this.inside.has(strand, piece)
    if (this.outside.has(strand, piece) && this.isOutside(strand)) return true
    return strand.kind[piece] === CHILD && this.limits.reach(strand.child(piece)) && this.brings(strand.child(piece))
  }

  /** Is a strand there outside of the limits, with all that it stands in? What was never deleted in one that is gone does not come back with it. */
  private isOutside(strand: Strand): boolean {
    const { parent, unit } = strand
    if (!parent) return true
    let is = this.known.get(strand)
    if (is === undefined) this.known.set(strand, (is = this.outside.has(parent, parent.pieceAt(unit)) && this.isOutside(parent)))
    return is
  }

  /** Is there text or a whole child in the limits, inside of this one, that would come back? */
  private brings(strand: Strand): boolean {
    for (let piece = 0; piece < strand.count; piece++) {
      const kind = strand.kind[piece]
      if (kind !== TEXT && kind !== CHILD) continue
      if (this.limits.holds(strand, piece) ? this.inside.has(strand, piece) : kind === CHILD && this.limits.reach(strand.child(piece)) && this.brings(strand.child(piece)))
        return true
    }
    return false
  }

  attributes(strand: Strand): Attributes {
    const { parent, unit } = strand
    if (!parent || this.limits.attributes.has(strand)) return this.inside.attributes(strand)
    // What only comes back to hold something is as it was when it went.
    const went = parent.deleted[parent.pieceAt(unit)] as number
    return (went === NEVER || this.outside.has(parent, parent.pieceAt(unit)) ? this.outside : new Moment(went)).attributes(strand)
  }

  part(strand: Strand, piece: number): number {
    return this.limits.holds(strand, piece) ? 1 : 0
  }
}
