/** What is looked at first, and what must be fetched for it. */
import type { View } from './address'
import type { History } from './server'

/** From so many entries on, only what is looked at is fetched: the rest when somebody goes further back. */
const WHOLE = 400_000

/** What is new, or else what was written last; null: nothing was. */
export function firstView({ looked, since, sittings: [last], from }: Pick<History, 'looked' | 'since' | 'sittings' | 'from'>): View | null {
  if (looked && since) return { kind: 'range', from: Math.max(looked.seq, from), to: null }
  return last ? { kind: 'range', from: Math.max(last.first - 1, from), to: null } : null
}

/** What of `view` there is. `missing`: why it is not what was asked for; then what is nearest is there instead. */
export function nearest(view: View, { from: first, head }: Pick<History, 'from' | 'head'>): { view: View; missing: 'erased' | 'never' | null } {
  const asked = view.kind === 'moment' ? [view.at] : [view.from, view.to ?? head]
  const missing = asked.some((seq) => seq > head || seq < 0) ? 'never' : asked.some((seq) => seq < first) ? 'erased' : null
  if (!missing) return { view, missing }
  const [from, to] = asked.map((seq) => Math.max(Math.min(seq, head), first)) as [number, number | undefined]
  if (view.kind === 'moment' || from === to) return { view: { kind: 'moment', at: from }, missing }
  return { view: { kind: 'range', from, to: view.to === null ? null : (to ?? null) }, missing }
}

/** Where to begin so that `wanted` can be looked at: at the beginning, unless that is too much to fetch. */
export function baseFor({ head, bases, from }: Pick<History, 'head' | 'bases' | 'from'>, wanted: number): number {
  if (head - from <= WHOLE) return 0
  return Math.max(0, ...bases.filter((base) => base < wanted))
}
