/** Who wrote what is there: around each text its author, and how much each has written. */
import type { Wrap } from './changes'
import type { AuthorOf } from './comparison'
import { LOST } from './lost'
import type { Origins } from './origins'
import type { Ink, Seen } from './painter'
import type { Shape } from './shapes'
import type { Strand } from './strand'
import type { Step, Weave } from './weave'

export interface Share { user: number | null; characters: number }

/** Ages in ms that an age of 1, 2... is younger than: an hour, a day, a week, a month. */
const AGES = [3_600_000, 86_400_000, 604_800_000, 2_592_000_000]

export class Authorship implements Ink {
  private readonly written = new Map<number | null, number>()
  private readonly wraps = new Map<string, Wrap>()
  /** The newest step in each element around this one. */
  private readonly newest: (Step | null)[] = []
  private readonly origins: Origins

  /** `only`: the one whose text is marked; undefined: everybody's is. `now` is the time in ms that ages are counted from. */
  constructor(
    private readonly weave: Weave,
    private readonly by: 'person' | 'age',
    private readonly only: number | null | undefined,
    private readonly authorOf: AuthorOf,
    private readonly now: number,
  ) {
    // Not while it is drawn: they cut pieces.
    this.origins = weave.origins
  }

  /** Who has written most comes first. */
  get shares(): Share[] {
    return [...this.written].map(([user, characters]) => ({ user, characters })).sort((a, b) => b.characters - a.characters)
  }

  shows(): boolean {
    return true
  }

  text({ strand, piece }: Seen): Wrap | null {
    const step = this.weave.steps[this.origins.of(strand, piece)] as Step
    const length = (strand.start[piece + 1] as number) - (strand.start[piece] as number)
    this.written.set(step.user, (this.written.get(step.user) ?? 0) + length)
    const newest = this.newest.at(-1)
    if (this.newest.length && isBefore(newest, step)) this.newest[this.newest.length - 1] = step
    if (this.only !== undefined && this.only !== step.user) return null
    const age = AGES.findIndex((limit) => this.now - step.time < limit) + 1 || AGES.length + 1
    const key = this.by === 'age' ? `${step.user} ${age}` : String(step.user)
    let wrap = this.wraps.get(key)
    if (!wrap) this.wraps.set(key, (wrap = { make: () => this.mark(step, age), tag: () => null }))
    return wrap
  }

  private mark({ user }: Step, age: number): HTMLElement {
    const { slot, name } = this.authorOf(user)
    const element = document.createElement('span')
    element.className = 'by'
    element.title = name
    element.dataset.author = String(slot)
    if (this.by === 'age') element.dataset.age = String(age)
    return element
  }

  enter(): void {
    this.newest.push(null)
  }

  /** An element says who wrote in it last, and when, in ms. */
  leave(_child: Strand, _seen: Seen, { dom }: Shape): HTMLElement {
    const step = this.newest.pop()
    if (!step) return dom
    const around = this.newest.at(-1)
    if (this.newest.length && isBefore(around, step)) this.newest[this.newest.length - 1] = step
    dom.dataset.user = String(step.user)
    dom.dataset.time = String(step.time)
    return dom
  }
}

/** When damaged entries were made is not known: whatever else is there counts more. */
const isBefore = (one: Step | null | undefined, other: Step) => !one || (one.user === LOST && other.user !== LOST) || (other.user !== LOST && one.time < other.time)
