import { untrack } from 'svelte'
import type { Change, Paper, Past } from '../history/past'
import { say } from '../shell.svelte'
import type { View } from './address'
import type { Filter } from './filter.svelte'
import type { Log } from './log.svelte'
import { did, summary, whenAndWhere } from './says'
import type { Preview, Viewing } from './viewing.svelte'

/** What is looked at, drawn, and the changes in it. */
export class Drawing {
  changes = $state.raw<Change[]>([])
  /** The place of the change in hand; -1: none is. */
  readonly current: number = $derived.by(() => (this.viewing.change ? this.changes.indexOf(this.viewing.change) : -1))
  private said: { view: View | null; words: string } = { view: null, words: '' }

  constructor(private readonly log: Log, private readonly filter: Filter, private readonly viewing: Viewing) {}

  /** An effect that calls this runs again when something else is looked at, or when there is more. */
  draw(paper: Paper): void {
    const { log: { past, head }, viewing: { view, preview }, filter: { people } } = this
    untrack(() => {
      if (!past || !view || !head) return
      if (preview) this.drawPreview(paper, past, preview)
      else if (view.kind === 'moment') this.drawMoment(paper, past, view.at)
      else this.drawDifference(paper, past, view, people)
    })
  }

  /** Go to a change, and say what it is. */
  choose(index: number): void {
    const { changes, log } = this
    const place = (index + changes.length) % changes.length
    const change = changes[place]
    if (!change) return
    this.viewing.change = change
    say(`Change ${place + 1} of ${changes.length}: ${did(change.kind, log.name(change.user))}: ${change.words}. ${whenAndWhere(change, Date.now())}`)
  }

  private drawPreview(paper: Paper, past: Past, { wanted }: Preview): void {
    this.changes = past.drawRestored(paper, wanted)
    this.viewing.change = null
  }

  private drawMoment(paper: Paper, past: Past, at: number): void {
    this.changes = []
    past.drawMoment(paper, Math.min(Math.max(at, past.first), past.head))
  }

  private drawDifference(paper: Paper, past: Past, view: View & { kind: 'range' }, people: Filter['people']): void {
    const to = Math.min(view.to ?? past.head, past.head)
    const from = Math.min(Math.max(view.from, past.first), to)
    this.changes = past.drawDifference(paper, from, to, people)
    // What others write now must not take away the change that is in hand.
    const { change } = this.viewing
    if (change) this.viewing.change = this.changes.find((other) => isSame(change, other)) ?? null
    const words = summary(this.changes, (user) => this.log.name(user))
    if (this.said.view !== view && this.said.words !== words) say(words)
    this.said = { view, words }
  }
}

const isSame = (one: Change, other: Change) => one.first === other.first && one.last === other.last && one.kind === other.kind
