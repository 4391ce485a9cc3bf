/** What people did between two moments, as a reader would count it: what one person did in one place within a minute is one change. */
import type { Strand } from './strand'
import { Limits } from './views'
import type { Step } from './weave'
import { KEPT, quoted } from './words'

export type Kind = 'added' | 'removed' | 'replaced' | 'formatted' | 'set'
type Part = Exclude<Kind, 'replaced'>

/** How a change is drawn around text; while it is the same, it is one element. */
export interface Wrap {
  make(): HTMLElement
  /** What stands behind it. */
  tag(): HTMLElement | null
}

export class Change {
  /** Milliseconds since 1970. */
  began: number
  ended: number
  /** Entries of the log. */
  first: number
  last: number
  /** As they are drawn, in their order. */
  readonly elements: HTMLElement[] = []
  /** What it is made of. */
  readonly limits = new Limits()
  readonly wraps = new Map<Part, Wrap>()
  private readonly said: Record<Part, string> = { added: '', removed: '', formatted: '', set: '' }
  /** What was put in or taken out and is no text. */
  private readonly things = { added: new Set<string>(), removed: new Set<string>() }
  private readonly parts = new Set<Part>()

  constructor(readonly index: number, private readonly part: Part, readonly user: number | null, step: Step, readonly where: string) {
    this.began = this.ended = step.time
    this.first = step.first
    this.last = step.last
    this.parts.add(part)
  }

  get kind(): Kind {
    return this.parts.size > 1 ? 'replaced' : this.part
  }

  get words(): string {
    switch (this.kind) {
      case 'replaced': return `${this.told('removed')} → ${this.told('added')}`
      case 'added': return this.told('added')
      case 'removed': return this.told('removed')
      case 'formatted': return this.said.formatted
      case 'set': return this.said.set
    }
  }

  private told(part: 'added' | 'removed'): string {
    const things = [...this.things[part]].join(', ')
    return things && !this.said[part].trim() ? things : quoted(this.said[part])
  }

  takes(part: Part, user: number | null, step: Step, label: string): boolean {
    if (user !== this.user || step.time < this.began - CLOSE || step.time > this.ended + CLOSE) return false
    const isText = (some: Part) => some === 'added' || some === 'removed'
    return isText(part) ? isText(this.part) : part === this.part && part === 'formatted' && label === this.said.formatted
  }

  extend(part: Part, step: Step): void {
    this.parts.add(part)
    this.began = Math.min(this.began, step.time)
    this.ended = Math.max(this.ended, step.time)
    this.first = Math.min(this.first, step.first)
    this.last = Math.max(this.last, step.last)
  }

  say(part: Part, words: string): void {
    if (part === 'formatted' || part === 'set') this.said[part] = words
    else this.said[part] += words
  }

  /** Say what stands in a text, as much of it as is worth keeping. */
  quote(part: 'added' | 'removed', strand: Strand, from: number, to: number): void {
    const room = KEPT - this.said[part].length
    if (room > 0) this.said[part] += strand.text.slice(from, Math.min(to, from + room))
  }

  name(part: 'added' | 'removed', thing: string): void {
    this.things[part].add(thing)
    // Words in two blocks are two.
    this.say(part, ' ')
  }
}

/** What lies within a minute belongs together. */
const CLOSE = 60_000
/** So many characters that stayed may stand between the parts of one change: those that two words have in common. */
const GAP = 2

export class Changes {
  readonly list: Change[] = []
  /** The heading that what is walked over stands under. */
  where = ''
  private gap = Infinity

  constructor(private readonly steps: readonly Step[]) {}

  /** Units of `strand` were changed by `group`. `label`: what a format or an attribute became. */
  add(part: Part, group: number, strand: Strand, from: number, to: number, label = ''): Change {
    const step = this.steps[group] as Step
    let change = this.list.at(-1)
    if (change && this.gap <= GAP && change.takes(part, step.user, step, label)) change.extend(part, step)
    else {
      change = new Change(this.list.length, part, step.user, step, this.where)
      this.list.push(change)
    }
    this.gap = 0
    change.limits.add(strand, from, to)
    return change
  }

  /** So much stayed as it was. */
  pass(length: number): void {
    this.gap += length
  }

  /** Here something begins or ends that stayed: a change does not reach over it. */
  stop(): void {
    this.gap = Infinity
  }
}
