/** The formats that hold at a place in a text: a walk meets each format piece before the text that it counts for. */
import type { Mark } from '@tiptap/pm/model'
import { marksOf } from './shapes'
import type { Format, Strand } from './strand'
import type { View } from './views'

/** For each kind of format the piece that set it last; null values are in it, too. */
type Current = ReadonlyMap<string, number>

export class Formats {
  private readonly current: Map<string, number>[]
  private readonly marks: (Mark[] | null)[]
  /** Rises with every change. */
  version = 0

  constructor(private readonly strand: Strand, private readonly view: View) {
    this.current = view.parts.map(() => new Map())
    this.marks = view.parts.map(() => null)
  }

  /** Walk over a format piece. */
  pass(piece: number): void {
    this.view.parts.forEach((part, at) => {
      if (!part.has(this.strand, piece)) return
      const { key } = this.strand.format(piece)
      // The one set last comes last.
      this.current[at]?.delete(key)
      this.current[at]?.set(key, piece)
      this.marks[at] = null
      this.version += 1
    })
  }

  /** What holds for this piece of text. */
  at(piece: number): Current {
    return this.current[this.view.part(this.strand, piece)] as Current
  }

  marksAt(piece: number): Mark[] {
    const part = this.view.part(this.strand, piece)
    return (this.marks[part] ??= marksOf(this.valuesOf(this.current[part] as Current)))
  }

  /** As Yjs wants them: names and values of what is set. */
  attributesAt(piece: number): Record<string, unknown> {
    return Object.fromEntries([...this.valuesOf(this.at(piece))].map(({ key, value }) => [key, value]))
  }

  private *valuesOf(current: Current): Generator<Format> {
    for (const piece of current.values()) {
      const format = this.strand.format(piece)
      if (format.value !== null) yield format
    }
  }
}

export const sameValue = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b)

/** A kind of format that two views see in different ways, and the piece that makes the difference. */
export interface FormatChange { key: string; before: unknown; after: unknown; piece: number; set: boolean }

/** What is formatted otherwise at `piece`. `set`: by a piece that came, else by one that went. */
export function formatChanges(strand: Strand, piece: number, before: Formats, after: Formats, was: View): FormatChange[] {
  const [old, now] = [before.at(piece), after.at(piece)]
  const valueOf = (at: number | undefined) => (at === undefined ? null : strand.format(at).value)
  const changes: FormatChange[] = []
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [went, came] = [old.get(key), now.get(key)]
    if (went === came || sameValue(valueOf(went), valueOf(came))) continue
    const set = came !== undefined && !(was.parts[was.part(strand, piece)] as View).has(strand, came)
    changes.push({ key, before: valueOf(went), after: valueOf(came), piece: (set ? came : went) as number, set })
  }
  return changes
}
