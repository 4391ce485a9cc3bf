import { untrack } from 'svelte'
import { fromStore, get } from 'svelte/store'
import { ApiError } from '../api'
import { Past, type Change, type Paper, type Wanted } from '../history/past'
import type { Note } from '../note'
import { messageOf } from '../problems'
import { session } from '../session.svelte'
import { say, toast } from '../shell.svelte'
import type { View } from './address'
import { baseFor, beatsOf, firstView, nearest } from './begin'
import { playOn, type Speed } from './playing'
import { known, type Known } from './people'
import { barsOf, Scale, type Bar, type Beat } from './scale'
import { count, did, summary, whenAndWhere } from './says'
import * as server from './server'
import type { History, Sitting, Version } from './server'

/** What would be brought back, shown before it is. */
export interface Preview {
  wanted: Wanted
  /** In words: "Bring back this paragraph, as it was Thursday 18:20". */
  title: string
  act: string
  /** What is said afterwards. */
  done: string
  /** What the history says of it, also to others and on other days. */
  what: string
}

/** How far one step goes. */
export type Stride = 'change' | 'sitting' | 'version'

/** Milliseconds in which what others write now is gathered before it is drawn. */
const GATHER = 400
const COLUMNS = 140
/** The people of a moment are those who wrote within so many milliseconds before it. */
const AROUND = 60_000
const MOST_AROUND = 4

/** The past of a note while somebody looks at it. */
export class Review {
  /** What the server says: null until it has answered. */
  history = $state.raw<History | null>(null)
  sittings = $state.raw<Sitting[]>([])
  more = $state.raw<number | null>(null)
  past = $state.raw<Past | null>(null)
  /** The newest entry of `past`: it grows while others write. */
  head = $state(0)
  progress = $state.raw<{ done: number; of: number } | null>(null)
  /** Why there is nothing to see, in words. */
  trouble = $state.raw<{ words: string; denied: boolean } | null>(null)

  view = $state.raw<View | null>(null)
  /** Those whose changes are not wanted. */
  hidden = $state.raw<ReadonlySet<number | null>>(new Set())
  changes = $state.raw<Change[]>([])
  current = $state(-1)
  preview = $state.raw<Preview | null>(null)
  stride = $state<Stride>('change')
  speed = $state<Speed>(1)
  playing = $state(false)
  /** The slider has two thumbs: any two moments are compared. */
  two = $state(false)
  now = $state(Date.now())

  private beats = $state.raw<Beat[]>([])
  readonly scale = $derived(new Scale(this.beats))
  readonly bars: Bar[] = $derived(barsOf(this.beats, this.scale, COLUMNS))

  readonly role
  private readonly clock = setInterval(() => (this.now = Date.now()), 20_000)
  private readonly loading = new AbortController()
  private readonly unfollow: () => void
  private gathering: ReturnType<typeof setTimeout> | undefined
  private frame = 0
  private drawn: { view: View | null; summary: string } = { view: null, summary: '' }

  /** `opened`: what the server said when the note was opened, with what was new then. */
  constructor(readonly documentId: string, readonly note: Note, private readonly opened: History | null, view: View | null) {
    this.role = fromStore(note.role)
    this.view = view
    if (opened) this.take(opened)
    this.unfollow = note.seq.subscribe((newest) => this.follow(newest))
    void this.start()
  }

  destroy(): void {
    clearInterval(this.clock)
    clearTimeout(this.gathering)
    this.pause()
    this.unfollow()
    this.loading.abort()
    this.past?.destroy()
  }

  // -- What there is --

  async start(): Promise<void> {
    this.trouble = null
    try {
      const history = await server.history(this.documentId)
      this.take(history)
      this.correct(history)
      await this.load()
    } catch (error) {
      if (this.loading.signal.aborted) return
      this.fail(error)
    }
  }

  /** An address may ask for a moment that there is not, or not any more. That is said, and what is nearest is shown. */
  private correct(history: History): void {
    if (!this.view) return
    const { view, missing } = nearest(this.view, history)
    if (!missing) return
    this.view = view
    toast(missing === 'erased' ? 'This moment was erased' : 'This moment does not exist')
  }

  private fail(error: unknown): void {
    const denied = error instanceof ApiError && error.status === 403
    const { owner } = session.boot.document ?? {}
    const words = denied
      ? `${owner?.name ?? 'Whoever owns this note'} keeps its history to those who were given it. Ask for a link that shows the history.`
      : error instanceof ApiError && error.offline
        ? 'The history of a note is on the server, which does not answer. What you write meanwhile is kept.'
        : error instanceof ApiError
          ? messageOf(error)
          : 'The history of this note could not be read. The note itself is not touched by that.'
    this.trouble = { words, denied }
    // What is not an answer of the server is a mistake that must not be hidden.
    if (!(error instanceof ApiError)) console.error(error)
  }

  private take(history: History): void {
    const older = this.sittings.filter(({ first }) => first < (history.sittings.at(-1)?.first ?? 0))
    // What is new stays new for as long as it is looked at.
    this.history = { ...history, looked: this.opened ? this.opened.looked : history.looked, since: this.opened?.since ?? history.since }
    this.sittings = [...history.sittings, ...older]
    if (!older.length) this.more = history.more
    this.view ??= firstView(this.history)
    if (!this.past) this.beats = this.sittings.toReversed().flatMap(beatsOf)
  }

  async moreSittings(): Promise<void> {
    if (this.more === null) return
    const before = this.more
    const page = await server.sittings(this.documentId, before)
    if (this.more !== before) return
    this.sittings = [...this.sittings, ...page.sittings]
    this.more = page.more
  }

  private async load(): Promise<void> {
    const { history, view } = this
    if (!history || !history.head) return
    const wanted = view?.kind === 'moment' ? view.at : (view?.from ?? history.head)
    await this.loadFrom(baseFor(history, wanted))
  }

  private async loadFrom(base: number): Promise<void> {
    const { history } = this
    if (!history) return
    const past = await Past.load(this.documentId, {
      epoch: history.epoch, base, signal: this.loading.signal,
      author: (user) => this.person(user),
      said: (seq) => (this.progress = { done: seq, of: history.head }),
    })
    this.past?.destroy()
    this.progress = null
    this.whole = false
    this.past = past
    this.grown()
    // What came while the log was read.
    this.follow(get(this.note.seq))
  }

  /** There is more in `past` than before. */
  private grown(): void {
    const { past } = this
    if (!past) return
    this.head = past.head
    const beats = this.whole ? [...this.beats] : []
    this.whole = true
    let seq = beats.at(-1)?.seq ?? past.first - 1
    while (seq < past.head) {
      const next = past.next(seq)
      if (next <= seq) break
      beats.push({ seq: next, time: past.when(next), user: past.who(next), weight: next - seq })
      seq = next
    }
    this.beats = beats
  }

  /** The beats are those of `past`, not of the sittings. */
  private whole = false

  private follow(newest: number): void {
    if (!this.past || newest <= this.past.head || this.gathering !== undefined) return
    this.gathering = setTimeout(() => {
      this.gathering = undefined
      void this.extend()
    }, GATHER)
  }

  /** Everything that was written until now. False: the network is away, and what is here is as it was. */
  private async extend(): Promise<boolean> {
    try {
      const grew = await this.past?.extend()
      try {
        this.take(await server.history(this.documentId))
      } finally {
        // What is new is drawn once it is known who they are that wrote it, or without that.
        if (grew) this.grown()
      }
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return false
    }
  }

  // -- Who --

  person(user: number | null): Known {
    return known(this.history ?? { people: [] }, user)
  }

  /** As the first word of a sentence. */
  name(user: number | null): string {
    const { name, self } = this.person(user)
    return self ? 'You' : name
  }

  /** Only the changes of these are marked; null: everybody's. */
  readonly shown: ReadonlySet<number | null> | null = $derived.by(() => {
    if (!this.hidden.size || !this.history) return null
    return new Set([...this.history.people.map(({ id }) => id as number | null), null].filter((id) => !this.hidden.has(id)))
  })

  /** Like the chips: all of them are on at first; the first choice leaves that one alone. */
  toggle(user: number): void {
    const everybody = this.history?.people.map(({ id }) => id) ?? []
    const hidden = new Set(this.hidden)
    if (!hidden.size) for (const id of everybody) id !== user && hidden.add(id)
    else if (hidden.has(user)) hidden.delete(user)
    else hidden.add(user)
    this.hidden = everybody.every((id) => hidden.has(id)) ? new Set() : hidden
  }

  get mayWrite(): boolean {
    return !!session.user && (this.role.current === 'editor' || this.role.current === 'owner')
  }

  get isOwner(): boolean {
    return this.role.current === 'owner'
  }

  // -- What is looked at --

  /** The moment that the slider stands at. */
  readonly at: number = $derived.by(() => {
    const { view, head } = this
    if (view?.kind === 'moment') return Math.min(Math.max(view.at, this.beginning), head)
    return this.changes[this.current]?.last ?? Math.min(view?.to ?? head, head)
  })

  /** When it was; 0 while nothing is known. */
  readonly time: number = $derived(this.timeOf(this.at))

  /** When an entry was made; 0: not known (yet). */
  timeOf(seq: number): number {
    const { past } = this
    if (past && seq >= past.first && seq <= past.head && seq > 0) return past.when(seq)
    if (this.history?.looked?.seq === seq) return this.history.looked.time
    return this.sittings.find(({ first, last }) => first <= seq && seq <= last)?.ended ?? 0
  }

  look(view: View): void {
    this.preview = null
    this.current = -1
    this.changes = []
    this.view = view
    const { past, history } = this
    const earliest = view.kind === 'moment' ? view.at : view.from
    if (past && history && earliest < past.first && history.from < past.first) void this.goBack(earliest)
  }

  /** What is wanted is older than what was fetched. */
  private async goBack(wanted: number): Promise<void> {
    const { history, past } = this
    const base = history ? baseFor(history, wanted) : 0
    if (!past || base >= past.first) return
    this.past = null
    try {
      await this.loadFrom(base)
    } catch (error) {
      if (!this.loading.signal.aborted) this.fail(error)
    } finally {
      past.destroy()
    }
  }

  lookAt(seq: number): void {
    const { past } = this
    this.look({ kind: 'moment', at: past ? Math.min(Math.max(seq, this.beginning), past.head) : seq })
  }

  version(seq: number): Version | undefined {
    return this.history?.versions.find((version) => version.seq === seq)
  }

  /** Who wrote just before the moment that is shown. */
  readonly around: Known[] = $derived.by(() => {
    const { past, at } = this
    if (!past || at < Math.max(past.first, 1)) return []
    const [ids, end] = [new Set<number | null>(), past.when(at)]
    for (let seq = at, steps = 0; steps < 200 && end - past.when(seq) <= AROUND; steps += 1) {
      ids.add(past.who(seq))
      const before = past.previous(seq)
      if (before >= seq || before < Math.max(past.first, 1)) break
      seq = before
    }
    return [...ids].slice(0, MOST_AROUND).map((id) => this.person(id))
  })

  /** Draw what is looked at. An effect that calls it runs again when that changes, or when there is more. */
  draw(paper: Paper): void {
    const { past, view, preview, head, shown } = this
    if (past && view && head) untrack(() => this.drawOn(paper, past, view, preview, head, shown))
  }

  private drawOn(paper: Paper, past: Past, view: View, preview: Preview | null, head: number, shown: Review['shown']): void {
    if (preview) {
      this.changes = past.drawRestored(paper, preview.wanted)
      this.current = -1
      return
    }
    if (view.kind === 'moment') {
      this.changes = []
      past.drawMoment(paper, Math.min(Math.max(view.at, past.first), head))
      return
    }
    const to = Math.min(view.to ?? head, head)
    const from = Math.min(Math.max(view.from, past.first), to)
    const before = this.changes[this.current]
    this.changes = past.drawDifference(paper, from, to, shown)
    // What others write now must not take away the change that is in hand.
    if (before) this.current = this.changes.findIndex(({ first, last, kind }) => first === before.first && last === before.last && kind === before.kind)
    const words = summary(this.changes, (user) => this.name(user))
    if (this.drawn.view !== view && this.drawn.summary !== words) say(words)
    this.drawn = { view, summary: words }
  }

  /** Go to a change, and say what it is. */
  choose(index: number): void {
    const { changes } = this
    if (!changes.length) return
    this.current = (index + changes.length) % changes.length
    const change = changes[this.current]
    if (change) say(`Change ${this.current + 1} of ${changes.length}: ${did(change.kind, this.name(change.user))}: ${change.words}. ${whenAndWhere(change, this.now)}`)
  }

  // -- Going through it --

  /** One step on (1) or back (-1). */
  step(direction: 1 | -1, stride: Stride = this.stride): void {
    const { past, at } = this
    if (!past) return
    this.pause()
    if (stride === 'change') return this.lookAt(direction > 0 ? past.next(at) : past.previous(at))
    const stops = stride === 'sitting' ? this.scale.ends : (this.history?.versions.map(({ seq }) => seq) ?? [])
    const all = [this.beginning, ...stops, past.head]
    this.lookAt((direction > 0 ? all.find((seq) => seq > at) : all.findLast((seq) => seq < at)) ?? at)
  }

  /** The first moment there is, fetched or not. */
  get beginning(): number {
    return this.history?.from || 0
  }

  pause(): void {
    this.playing = false
    cancelAnimationFrame(this.frame)
  }

  play(): void {
    const { past, view } = this
    if (!past || !view) return
    const from = view.kind === 'range' ? view.from : this.at >= past.head ? past.first : this.at
    this.lookAt(from)
    this.playing = true
    let [before, budget] = [performance.now(), 0]
    const go = (time: number) => {
      budget += Math.min(time - before, 1000)
      before = time
      const { at, left } = playOn(past, this.at, budget, this.speed)
      budget = left
      if (at !== this.at) this.view = { kind: 'moment', at }
      if (at >= past.head) return this.pause()
      this.frame = requestAnimationFrame(go)
    }
    this.frame = requestAnimationFrame(go)
  }

  // -- Bringing back --

  /** Make it an edit. True: it is in the note. */
  async bringBack({ wanted, done, what }: Pick<Preview, 'wanted' | 'done' | 'what'>): Promise<boolean> {
    const { past, note } = this
    if (!past || !this.mayWrite) return false
    this.pause()
    await this.extend()
    try {
      // What is brought back builds on everything that the engine has.
      await note.reaches(past.head)
    } catch {
      toast('Not done: what others wrote has not come yet. Try again in a moment.')
      return false
    }
    const restored = past.restore(wanted)
    if (!restored) {
      toast('Nothing to do: the note is like that already')
      return false
    }
    const restoring = note.restore(restored.update)
    toast(done, { label: 'Undo', run: restoring.undo })
    void restoring.seq.then((seq) => (seq === null ? undefined : this.saysWhat(seq, what)))
    return true
  }

  private async saysWhat(seq: number, what: string): Promise<void> {
    try {
      await server.act(this.documentId, seq, what.slice(0, 200))
      this.take(await server.history(this.documentId))
    } catch (error) {
      // The words are back all the same; only the timeline does not say what this edit was.
      if (!(error instanceof ApiError)) throw error
    }
  }

  /** All that one person did in the range that is looked at. */
  previewPerson(user: number): void {
    const { view, head } = this
    if (view?.kind !== 'range') return
    const { name } = this.person(user)
    this.preview = {
      wanted: { user, after: view.from, until: Math.min(view.to ?? head, head) },
      title: `Without ${count(this.changes.filter((change) => change.user === user).length, 'change')} by ${name}`,
      act: 'Undo these changes', done: `Undid the changes by ${name}`, what: `Undid the changes by ${name}`,
    }
  }

  // -- Versions --

  async nameIt(seq: number, name: string): Promise<void> {
    await server.nameVersion(this.documentId, name, seq)
    this.take(await server.history(this.documentId))
    toast(`Named “${name}”`)
  }

  async rename({ seq }: Version, name: string): Promise<void> {
    await server.renameVersion(this.documentId, seq, name)
    this.take(await server.history(this.documentId))
  }

  async forget({ seq, name }: Version): Promise<void> {
    await server.forgetVersion(this.documentId, seq)
    this.take(await server.history(this.documentId))
    toast(`“${name}” is no version any more. The moment itself stays`)
  }
}
