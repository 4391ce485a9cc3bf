import type { Change, Wanted } from '../history/past'
import { toast } from '../shell.svelte'
import type { View } from './address'
import { firstView, nearest } from './begin'
import { aroundDamage, cannotBeShown } from './damage'
import type { Log } from './log.svelte'
import type { Known } from './people'
import type { History } from './server'

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

/** The people of a moment are those who wrote within so many milliseconds before it. */
const AROUND = 60_000
const MOST_AROUND = 4

/** What of the past is looked at. */
export class Viewing {
  view = $state.raw<View | null>(null)
  preview = $state.raw<Preview | null>(null)
  /** The one of the changes that is in hand. */
  change = $state.raw<Change | null>(null)
  /** The slider has two thumbs: any two moments are compared. */
  two = $state(false)

  /** The moment that the slider stands at. */
  readonly at: number = $derived.by(() => {
    const { view, preview, change, log } = this
    if (view?.kind === 'moment') return Math.min(Math.max(view.at, log.beginning), log.head)
    return (preview ? null : change)?.last ?? Math.min(view?.to ?? log.head, log.head)
  })

  /** When it was; 0 while nothing is known. */
  readonly time: number = $derived.by(() => this.log.timeOf(this.at))

  /** Who wrote just before that moment. */
  readonly around: Known[] = $derived.by(() => {
    const { at, log: { past } } = this
    if (!past || at < Math.max(past.first, 1)) return []
    const [ids, end] = [new Set<number | null>(), past.when(at)]
    for (let seq = at, steps = 0; steps < 200 && end - past.when(seq) <= AROUND; steps += 1) {
      ids.add(past.who(seq))
      const before = past.previous(seq)
      if (before >= seq || before < Math.max(past.first, 1)) break
      seq = before
    }
    return [...ids].slice(0, MOST_AROUND).map((id) => this.log.person(id))
  })

  constructor(private readonly log: Log, asked: View | null) {
    this.view = asked ?? (log.history && firstView(log.history))
  }

  /**
   * What was asked for, or what is new. An address may ask for a moment that there is not, or not any more: that is said, and what is
   * nearest is shown. The answer is the earliest entry that is looked at.
   */
  begin(history: History): number {
    if (this.view) {
      const { view, missing } = nearest(this.view, history)
      if (missing) {
        this.view = view
        toast(missing === 'erased' ? 'This moment was erased' : 'This moment does not exist')
      }
    } else this.view = firstView(history)
    if (this.view) this.view = this.beside(this.view, history)
    return this.view ? earliest(this.view) : history.head
  }

  look(asked: View): void {
    this.preview = null
    this.change = null
    this.view = this.log.history ? this.beside(asked, this.log.history) : asked
    void this.log.reach(earliest(this.view))
  }

  /** Nothing is shown as it was among damaged entries: that is said, and what is beside them is shown. */
  private beside(asked: View, history: History): View {
    const { view, damage } = aroundDamage(asked, history)
    if (damage) toast(cannotBeShown(damage))
    return view
  }

  lookAt(seq: number): void {
    const { past, beginning } = this.log
    this.look({ kind: 'moment', at: past ? Math.min(Math.max(seq, beginning), past.head) : seq })
  }
}

const earliest = (view: View) => (view.kind === 'moment' ? view.at : view.from)
