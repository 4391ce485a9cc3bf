import { get, type Readable } from 'svelte/store'
import { ApiError } from '../api'
import { Past } from '../history/past'
import { baseFor } from './begin'
import { known, type Known } from './people'
import * as server from './server'
import type { History, Sitting } from './server'
import { troubleOf, type Trouble } from './trouble'

/** Milliseconds in which what others write now is gathered before it is drawn. */
const GATHER = 400

/** What there is: what the server tells of a note's past, and the log itself, which grows while others write. */
export class Log {
  /** What the server says: null until it has answered. */
  history = $state.raw<History | null>(null)
  /** The newest first; `more`: before which entry there are older ones, null: there are none. */
  sittings = $state.raw<Sitting[]>([])
  more = $state.raw<number | null>(null)
  /** Null until the log is read. */
  past = $state.raw<Past | null>(null)
  /** The newest entry of `past`. */
  head = $state(0)
  progress = $state.raw<{ done: number; of: number } | null>(null)
  trouble = $state.raw<Trouble | null>(null)

  private readonly closing = new AbortController()
  private growing: Promise<void> = Promise.resolve()
  private readonly unfollow: () => void
  private gathering: ReturnType<typeof setTimeout> | undefined

  /**
   * `newest`: the newest entry that the note has. `opened`: what the server said when the note was opened, with what was new then.
   * `earliest`: where to begin to read, once it is known what there is.
   */
  constructor(
    readonly documentId: string,
    private readonly newest: Readable<number>,
    private opened: History | null,
    private readonly earliest: (history: History) => number,
  ) {
    if (opened) this.take(opened)
    this.unfollow = newest.subscribe((seq) => this.follow(seq))
  }

  destroy(): void {
    clearTimeout(this.gathering)
    this.unfollow()
    this.closing.abort()
    this.past?.destroy()
  }

  async open(): Promise<void> {
    this.trouble = null
    try {
      await this.ask()
      await this.sumUp()
      const { history } = this
      if (history?.head) await this.read(baseFor(history, this.earliest(history)))
    } catch (error) {
      this.fail(error)
    }
  }

  /** Ask the server what there is now. */
  async ask(): Promise<void> {
    this.take(await server.history(this.documentId))
  }

  async moreSittings(): Promise<void> {
    if (this.more === null) return
    const before = this.more
    const page = await server.sittings(this.documentId, before)
    if (this.more !== before) return
    this.sittings = [...this.sittings, ...page.sittings]
    this.more = page.more
  }

  /** Read what is older than what was fetched, if it is not yet. */
  async reach(seq: number): Promise<void> {
    const { history, past } = this
    if (!past || !history || seq >= past.first || history.from >= past.first) return
    const base = baseFor(history, seq)
    if (base >= past.first) return
    this.past = null
    try {
      await this.read(base)
    } catch (error) {
      this.fail(error)
    } finally {
      past.destroy()
    }
  }

  /** Everything that was written until now. Without the network, what is here stays as it is. */
  grow(): Promise<void> {
    // One after the other: the log is read in its order, and each part of it once.
    return (this.growing = this.growing.then(() => this.readOn()))
  }

  // -- What is in it --

  /** The first moment there is, fetched or not. */
  get beginning(): number {
    return this.history?.from || 0
  }

  person(user: number | null): Known {
    return known(this.history ?? { people: [] }, user)
  }

  /** As the first word of a sentence. */
  name(user: number | null): string {
    const { name, self } = this.person(user)
    return self ? 'You' : name
  }

  /** When an entry was made, in ms; 0: not known (yet). */
  timeOf(seq: number): number {
    const { past } = this
    if (past && seq >= past.first && seq <= past.head && seq > 0) return past.when(seq)
    if (this.history?.looked?.seq === seq) return this.history.looked.time
    return this.sittings.find(({ first, last }) => first <= seq && seq <= last)?.ended ?? 0
  }

  // -- How it comes --

  private take(history: History): void {
    const older = this.sittings.filter(({ first }) => first < (history.sittings.at(-1)?.first ?? 0))
    // What is new stays new for as long as it is looked at.
    if (!history.behind) this.opened ??= history
    const { looked, since } = this.opened ?? history
    this.history = { ...history, looked, since }
    this.sittings = [...history.sittings, ...older]
    if (!older.length) this.more = history.more
  }

  private async read(base: number): Promise<void> {
    const { history } = this
    if (!history) return
    const past = await Past.load(this.documentId, {
      epoch: history.epoch, base, signal: this.closing.signal,
      author: (user) => this.person(user),
      damaged: () => this.history?.damaged ?? [],
      said: (seq) => (this.progress = { done: seq, of: history.head }),
    })
    if (this.closing.signal.aborted) return past.destroy()
    this.progress = null
    if (past.missing) await this.complete(past)
    else if (past.head > history.head) await this.meet()
    this.past?.destroy()
    this.past = past
    this.head = past.head
    // What came while the log was read.
    this.follow(get(this.newest))
  }

  /** A long log of before there were sittings: the server sums it up for as long as it is asked. */
  private async sumUp(): Promise<void> {
    while (this.history?.behind && !this.closing.signal.aborted) {
      await server.soon()
      await this.ask()
    }
  }

  private async readOn(): Promise<void> {
    const { past } = this
    try {
      const grew = await past?.extend()
      if (past?.missing) await this.complete(past)
      else if (grew) await this.meet()
      if (this.past === past) this.head = past?.head ?? 0
    } catch (error) {
      if (!isPassing(error)) this.fail(error)
    }
  }

  /** Know who wrote before it is drawn: somebody may have who never did before. */
  private async meet(): Promise<void> {
    try {
      await this.ask()
    } catch (error) {
      if (!isPassing(error)) throw error
    }
  }

  /** Where entries are missing, the server has looked after it meanwhile: perhaps it knows now what they did. */
  private async complete(past: Past): Promise<void> {
    await this.meet()
    await past.extend()
  }

  private follow(newest: number): void {
    // A note in which nothing was written has no past yet.
    const known = this.past?.head ?? (this.history?.head === 0 ? 0 : newest)
    if (newest <= known || this.gathering !== undefined) return
    this.gathering = setTimeout(() => {
      this.gathering = undefined
      void (this.past ? this.grow() : this.open())
    }, GATHER)
  }

  /** Nothing of it may be seen any more. */
  private clear(): void {
    this.past?.destroy()
    this.past = null
    this.history = null
    this.sittings = []
    this.more = null
  }

  private fail(error: unknown): void {
    if (this.closing.signal.aborted) return
    this.trouble = troubleOf(error)
    if (this.trouble.denied) this.clear()
    // What is not an answer of the server is a mistake that must not be hidden.
    if (!(error instanceof ApiError)) console.error(error)
  }
}

/** An answer that does not come now may come later, and what is here stays; not so when it is not for this person any more. */
const isPassing = (error: unknown) => error instanceof ApiError && !troubleOf(error).denied
