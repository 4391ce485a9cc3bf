/** Everything that was ever in a note, ready to be looked at. */
import * as api from '../api'
import { Authorship, type Share } from './authorship'
import { Change } from './changes'
import { groupsOf, type Group } from './chunks'
import { Comparison, type AuthorOf, type People } from './comparison'
import { drawnElement, drawnText } from './drawn'
import { find, type Found } from './find'
import { LOST } from './lost'
import { Painter } from './painter'
import { placesOf } from './places'
import { restored, type Restored } from './restore'
import { Moment } from './views'
import { unitAt, viewOf, type Wanted } from './wanted'
import { Weave, type Step } from './weave'
import { below, type Strand } from './strand'

export type { AuthorOf, Change, Found, People, Restored, Share, Wanted }

/** Where a note is drawn. What is in these elements belongs to the Past from then on. */
export interface Paper { title: HTMLElement; body: HTMLElement }

/** Entries of the log, from one to another. */
export interface Span { first: number; last: number }

export interface Options {
  epoch: string
  /** The entry to begin with, one of History.bases; 0: the whole log. */
  base: number
  author: AuthorOf
  /** The entries that are damaged, of all that has come. */
  damaged?: () => readonly Span[]
  /** Called as the log is read: the entry that was reached last. */
  said?: (seq: number) => void
  signal?: AbortSignal
}

/** The blocks that were drawn last on a paper, and how many of the groups that touched each were in it. */
type Drawn = Map<Strand, { version: number; element: HTMLElement }>

export class Past {
  readonly weave = new Weave()
  /** Entries that were asked for and did not come: what comes after them builds on them, so this is where the past ends. Null: all came. */
  missing: Span | null = null
  private readonly drawn = new WeakMap<HTMLElement, Drawn>()

  private constructor(private readonly documentId: string, private readonly options: Options) {}

  /** Fetch the log and weave it, in slices, so that the page stays alive. Raises ApiError, and MalformedLog. */
  static async load(documentId: string, options: Options): Promise<Past> {
    const past = new Past(documentId, options)
    const { base, epoch, signal } = options
    if (base) {
      const update = await api.historyState(documentId, base, epoch, signal)
      await past.weave.replay([{ first: base, last: base, user: null, session: '', time: 0, update }])
    }
    await past.read()
    return past
  }

  /** A past that was not fetched. */
  static async of(groups: readonly Group[], author: AuthorOf): Promise<Past> {
    const past = new Past('', { epoch: '', base: 0, author })
    await past.weave.replay(groups)
    await past.weave.weave()
    return past
  }

  /** Fetch what came since. True: there was something. */
  async extend(): Promise<boolean> {
    return this.read()
  }

  private async read(): Promise<boolean> {
    const { base, epoch, signal, said } = this.options
    const head = this.head
    this.missing = null
    const { stream, until } = await api.historyEntries(this.documentId, head, epoch, signal)
    for await (const groups of groupsOf(stream)) {
      const fresh = groups.filter(({ last }) => last > this.head)
      const gap = fresh.findIndex(({ first }, at) => first > (fresh[at - 1]?.last ?? this.head) + 1)
      await this.weave.replay((gap < 0 ? fresh : fresh.slice(0, gap)).map((group) => this.known(group)))
      said?.(this.head)
      if (gap < 0) continue
      this.missing = { first: this.head + 1, last: (fresh[gap] as Group).first - 1 }
      break
    }
    if (!this.missing && this.head < until) this.missing = { first: this.head + 1, last: until }
    if (this.head === head && this.weave.head) return false
    await this.weave.weave()
    // Nothing tells when the base was made; it is not later than what came after it.
    const [first, second] = this.weave.steps
    if (base && first && second && !first.time) first.time = second.time
    return this.head > head
  }

  /** Of damaged entries nobody knows who made them: that is not the same as that nobody made them. */
  private known(group: Group): Group {
    const { user, first, last } = group
    const isDamaged = user === null && this.options.damaged?.().some((damage) => damage.first <= last && first <= damage.last)
    return isDamaged ? { ...group, user: LOST } : group
  }

  /** The newest moment that can be looked at; 0: nothing was ever written. */
  get head(): number {
    return this.weave.steps.at(-1)?.last ?? 0
  }

  /** The first moment there is; 0: the empty note. */
  get first(): number {
    const [step] = this.weave.steps
    return this.options.base || !step || step.first > 1 ? (step?.last ?? 0) : 0
  }

  private stepAt(seq: number): Step | undefined {
    return this.weave.steps[this.weave.momentOf(seq) - 1]
  }

  /** The user (null: nobody) of the entry `seq`. */
  who(seq: number): number | null {
    return this.stepAt(seq)?.user ?? null
  }

  /** Its time in ms. */
  when(seq: number): number {
    return (this.stepAt(seq) ?? this.weave.steps[0])?.time ?? 0
  }

  /** The last entry of the group that holds `seq`: the moments there are. */
  step(seq: number): number {
    return Math.max(this.first, this.stepAt(seq)?.last ?? 0)
  }

  /** The moment after this one, and before it. */
  next(seq: number): number {
    return this.weave.steps[this.weave.momentOf(seq)]?.last ?? this.head
  }

  previous(seq: number): number {
    return Math.max(this.first, this.weave.steps[this.weave.momentOf(seq) - 2]?.last ?? 0)
  }

  /** The newest moment at or before a time in ms. */
  at(time: number): number {
    return Math.max(this.first, this.weave.steps.findLast((step) => step.time <= time)?.last ?? 0)
  }

  /** Draw the note as it was. What looks the same as in what was drawn here last stays as it is. */
  drawMoment({ title, body }: Paper, seq: number): void {
    const n = this.weave.momentOf(seq)
    const painter = new Painter(null, new Moment(n), null)
    this.clear(title)
    painter.line(this.weave.title, title)
    const before = this.drawn.get(body)
    const drawn: Drawn = new Map(before)
    const blocks: HTMLElement[] = []
    for (const [block, piece] of this.weave.blocks()) {
      const version = below(this.weave.touching(block), n)
      const last = drawn.get(block)
      if (last?.version === version) {
        if (painter.shows(this.weave.body, piece)) blocks.push(last.element)
        continue
      }
      const element = painter.block(this.weave.body, piece)
      if (!element) continue
      drawn.set(block, { version, element })
      blocks.push(element)
    }
    place(body, blocks)
    this.drawn.set(body, drawn)
  }

  /** Draw what became of the note from one moment to a later one. `people`: theirs is marked (null: everybody's); what others did looks as if it had always been so. */
  drawDifference(into: Paper, from: number, to: number, people: People): Change[] {
    const [before, after] = [new Moment(this.weave.momentOf(from)), new Moment(this.weave.momentOf(to))]
    const ink = new Comparison(this.weave, before, after, after.n, people, this.options.author, false)
    this.draw(into, new Painter(before, after, ink), ink)
    return ink.changes.list
  }

  /** Draw the note as it is with who wrote it: around each text `.by`, with the age (1: within an hour... 5) for 'age'. What each wrote of it, the most first. */
  drawAuthors(into: Paper, by: 'person' | 'age', only: number | null | undefined): Share[] {
    const ink = new Authorship(this.weave, by, only, this.options.author, Date.now())
    this.draw(into, new Painter(null, new Moment(this.weave.head), ink), null)
    return ink.shares
  }

  /** The edit that brings back what is wanted, made on the note as it is at `head`; null: nothing would change. */
  restore(what: Wanted): Restored | null {
    return restored(this.weave, viewOf(this.weave, what))
  }

  /** Draw what that edit would do, as a difference from the present; each piece is marked as its author's. */
  drawRestored(into: Paper, what: Wanted): Change[] {
    const [before, after] = [new Moment(this.weave.head), viewOf(this.weave, what)]
    const ink = new Comparison(this.weave, before, after, this.weave.head, null, this.options.author, true)
    this.draw(into, new Painter(before, after, ink), ink)
    return ink.changes.list
  }

  /** Who wrote the character at a place of what was drawn; null: that is no text of the note. */
  written(node: Node, offset: number): { user: number | null; seq: number; time: number } | null {
    const drawn = drawnText.get(node)
    const length = node.textContent?.length ?? 0
    if (!drawn || !length) return null
    const { strand } = drawn
    // Where text of another origin begins a piece begins from now on: first that, then the piece.
    const { origins, steps } = this.weave
    const { user, last, time } = steps[origins.of(strand, strand.pieceAt(unitAt(drawn, Math.min(offset, length - 1))))] as Step
    return { user, seq: last, time }
  }

  /** Which parts of the note, by their headings, the entries of a sitting touched: "Opening, Before the freeze"; '' for none. */
  places(first: number, last: number): string {
    return placesOf(this.weave, Math.max(0, this.weave.momentOf(first) - 1), this.weave.momentOf(last) - 1)
  }

  /** Where these words ever stood, for erasing them. */
  find(words: string): Found {
    return find(this.weave, words)
  }

  private draw({ title, body }: Paper, painter: Painter, comparison: Comparison | null): void {
    this.clear(title)
    const line = () => painter.line(this.weave.title, title)
    if (comparison) comparison.title(title, line)
    else line()
    const blocks = document.createDocumentFragment()
    painter.children(this.weave.body, blocks)
    body.replaceChildren(blocks)
    this.drawn.delete(body)
  }

  private clear(title: HTMLElement): void {
    title.replaceChildren()
    title.classList.remove('chg')
    drawnElement.set(title, this.weave.title)
  }

  destroy(): void {
    this.weave.destroy()
  }
}

/** Make `blocks` the children of `body`; those that are its children already are not touched. */
function place(body: HTMLElement, blocks: readonly HTMLElement[]): void {
  const wanted = new Set<Node>(blocks)
  for (const child of [...body.childNodes]) if (!wanted.has(child)) child.remove()
  let at: ChildNode | null = body.firstChild
  for (const block of blocks) {
    if (at === block) at = at.nextSibling
    else body.insertBefore(block, at)
  }
}
