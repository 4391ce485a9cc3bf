/** Draws pieces: the same walk for a moment, a difference, and who wrote what. */
import type { Mark } from '@tiptap/pm/model'
import { typeOf } from '../nodes'
import type { Wrap } from './changes'
import { colour } from './code'
import { drawnElement, drawnText } from './drawn'
import { formatChanges, Formats, type FormatChange } from './formats'
import { elementOf, shapeOf, type Shape } from './shapes'
import { CHILD, FORMAT, TEXT, type Strand } from './strand'
import type { Attributes, View } from './views'

/** A piece as two views see it. */
export interface Seen {
  strand: Strand
  piece: number
  was: boolean
  is: boolean
  /** The group that took it away, or what it stands in. */
  remover: number
}

/** What is drawn around and about pieces. */
export interface Ink {
  /** Is this piece drawn at all? */
  shows(seen: Seen): boolean
  /** Around a piece of text; null: nothing. */
  text(seen: Seen, formats: () => FormatChange[]): Wrap | null
  /** Before an element is drawn. */
  enter(child: Strand, seen: Seen): void
  /** When it is drawn: what stands in the note for it. */
  leave(child: Strand, seen: Seen, shape: Shape, before: Attributes, after: Attributes): HTMLElement
}

export class Painter {
  /** `before` null: only one view is drawn. */
  constructor(private readonly before: View | null, private readonly after: View, private readonly ink: Ink | null) {}

  /** Null: it is not drawn. `into`: one that may be written over, for there are many pieces. */
  private see(strand: Strand, piece: number, was: boolean, is: boolean, remover: number, into?: Seen): Seen | null {
    const stays = this.after.has(strand, piece)
    const isThere = is && stays
    const wasThere = this.before ? was && this.before.has(strand, piece) : isThere
    if (!isThere && !wasThere) return null
    const seen = into ?? { strand, piece, was: wasThere, is: isThere, remover }
    seen.strand = strand
    seen.piece = piece
    seen.was = wasThere
    seen.is = isThere
    seen.remover = stays ? remover : (strand.deleted[piece] as number)
    return this.ink && !this.ink.shows(seen) ? null : seen
  }

  /** Draw what stands in an element. */
  children(strand: Strand, into: Node, was = true, is = true, remover = -1): void {
    const pen = new Pen(into)
    for (let piece = 0; piece < strand.count; piece++) {
      const seen = strand.kind[piece] === CHILD ? this.see(strand, piece, was, is, remover) : null
      if (seen) this.child(seen, pen)
    }
    pen.stop()
  }

  private child(seen: Seen, pen: Pen): void {
    const child = seen.strand.child(seen.piece)
    if (child.name === null) this.text(child, pen, seen.was, seen.is, seen.remover)
    else pen.put(this.element(seen))
  }

  /** Is this piece of a root drawn? */
  shows(strand: Strand, piece: number): boolean {
    return this.see(strand, piece, true, true, -1) !== null
  }

  /** One block of a root; null: it is not shown. */
  block(strand: Strand, piece: number): HTMLElement | null {
    const seen = this.see(strand, piece, true, true, -1)
    if (!seen || strand.child(piece).name !== null) return seen && this.element(seen)
    // A text that stands in no block.
    const pen = new Pen(document.createElement('div'))
    this.child(seen, pen)
    pen.stop()
    return pen.into
  }

  private element(seen: Seen): HTMLElement {
    const child = seen.strand.child(seen.piece)
    this.ink?.enter(child, seen)
    const after = this.after.attributes(child)
    const before = this.before?.attributes(child) ?? after
    const attributes = Object.fromEntries([...(seen.is ? after : before)].map(([key, { value }]) => [key, value]))
    const shape = shapeOf(child.name ?? '', attributes, !!typeOf(seen.strand.name ?? '')?.inlineContent)
    if (shape.content) {
      this.children(child, shape.content, seen.was, seen.is, seen.remover)
      if (typeOf(child.name ?? '')?.inlineContent) closeLine(shape.content)
      // Who wrote it is told by colour alone.
      if (child.name === 'codeBlock' && (this.before || !this.ink)) colour(shape.content, attributes.language)
    }
    drawnElement.set(shape.dom, child)
    return this.ink ? this.ink.leave(child, seen, shape, before, after) : shape.dom
  }

  /** Draw a text that stands alone. */
  line(strand: Strand, into: Node): void {
    const pen = new Pen(into)
    this.text(strand, pen, true, true, -1)
    pen.stop()
  }

  private text(strand: Strand, pen: Pen, was: boolean, is: boolean, remover: number): void {
    const now = new Formats(strand, this.after)
    const old = this.before && new Formats(strand, this.before)
    const shown = (some: number) => this.see(strand, some, was, is, remover) !== null
    pen.turnTo(strand, shown)
    let asked = -1
    let changes: FormatChange[] = []
    const formats = () => {
      if (!old || !this.before) return []
      const version = now.version + old.version
      if (asked !== version || this.before.parts.length > 1 || this.after.parts.length > 1) changes = formatChanges(strand, piece, old, now, this.before)
      asked = version
      return changes
    }
    const scratch: Seen = { strand, piece: 0, was, is, remover }
    let piece = 0
    for (; piece < strand.count; piece++) {
      const kind = strand.kind[piece]
      if (kind === FORMAT) {
        now.pass(piece)
        old?.pass(piece)
        continue
      }
      const seen = this.see(strand, piece, was, is, remover, scratch)
      if (!seen) continue
      if (kind === CHILD) {
        this.child({ ...seen }, pen)
        pen.turnTo(strand, shown)
      } else if (kind === TEXT) pen.write(strand, piece, this.ink?.text(seen, formats) ?? null, (seen.is ? now : (old ?? now)).marksAt(piece))
    }
    pen.flush()
  }
}

/** An empty line, or one that ends in a break, has no height without another break. */
function closeLine(content: HTMLElement): void {
  const last = content.lastChild
  if (last && last.nodeName !== 'BR' && !(content.nodeName === 'CODE' && content.textContent.endsWith('\n'))) return
  content.appendChild(document.createElement('br')).className = 'ProseMirror-trailingBreak'
}

/** Writes texts that follow each other: what is formatted alike is one text node, what has an outer mark in common stands in one element. */
class Pen<Into extends Node = Node> {
  private strand: Strand | null = null
  private shown: (piece: number) => boolean = () => false
  private wrap: Wrap | null = null
  private wrapped: HTMLElement | null = null
  private marks: Mark[] = []
  private elements: HTMLElement[] = []
  private parts = ''
  private from = -1
  private to = -1
  /** Where the first unit of the node that is being written stands. */
  private began = -1

  constructor(readonly into: Into) {}

  /** What is written from here on are pieces of this strand. */
  turnTo(strand: Strand, shown: (piece: number) => boolean): void {
    this.flush()
    this.strand = strand
    this.shown = shown
  }

  /** An element, behind what was written. */
  put(element: Node): void {
    this.stop()
    this.into.appendChild(element)
  }

  write(strand: Strand, piece: number, wrap: Wrap | null, marks: Mark[]): void {
    const from = strand.start[piece] as number
    const to = strand.start[piece + 1] as number
    if (wrap !== this.wrap || marks !== this.marks) this.turn(wrap, marks)
    if (this.to !== from) {
      if (this.from >= 0) this.parts += strand.text.slice(this.from, this.to)
      this.from = from
      if (this.began < 0) this.began = from
    }
    this.to = to
  }

  stop(): void {
    this.flush()
    this.close()
    this.marks = []
    this.elements = []
  }

  private turn(wrap: Wrap | null, marks: Mark[]): void {
    let same = 0
    if (wrap === this.wrap) while (same < marks.length && same < this.marks.length && this.marks[same]?.eq(marks[same] as Mark)) same++
    const isSame = wrap === this.wrap && same === marks.length && same === this.marks.length
    this.marks = marks
    if (isSame) return
    this.flush()
    this.elements.length = same
    if (wrap !== this.wrap) {
      this.close()
      this.wrap = wrap
      this.wrapped = wrap && this.into.appendChild(wrap.make())
    }
    for (const mark of marks.slice(same)) this.elements.push(this.place().appendChild(elementOf(mark)))
  }

  private close(): void {
    const tag = this.wrap?.tag()
    if (tag) this.into.appendChild(tag)
    this.wrap = this.wrapped = null
  }

  private place(): Node {
    return this.elements.at(-1) ?? this.wrapped ?? this.into
  }

  /** Write down what has gathered; marks stay open. */
  flush(): void {
    if (this.from < 0 || !this.strand) return
    const text = document.createTextNode(this.parts + this.strand.text.slice(this.from, this.to))
    drawnText.set(text, { strand: this.strand, first: this.strand.idAt(this.began), last: this.strand.idAt(this.to - 1), shown: this.shown, skip: 0 })
    this.place().appendChild(text)
    this.parts = ''
    this.from = this.to = this.began = -1
  }
}
