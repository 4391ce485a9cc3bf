/** What is looked at first, and what must be fetched for it. */
import type { View } from './address'
import type { Beat } from './scale'
import type { History, Sitting } from './server'

/** From so many entries on, only what is looked at is fetched: the rest when somebody goes further back. */
const WHOLE = 400_000

/** What is new, or else what was written last; null: nothing was. */
export function firstView({ looked, since, sittings: [last], from }: Pick<History, 'looked' | 'since' | 'sittings' | 'from'>): View | null {
  if (looked && since) return { kind: 'range', from: Math.max(looked.seq, from), to: null }
  return last ? { kind: 'range', from: Math.max(last.first - 1, from), to: null } : null
}

/** Where to begin so that `wanted` can be looked at: at the beginning, unless that is too much to fetch. */
export function baseFor({ head, bases, from }: Pick<History, 'head' | 'bases' | 'from'>, wanted: number): number {
  if (head - from <= WHOLE) return 0
  return Math.max(0, ...bases.filter((base) => base < wanted))
}

/** What a sitting looks like before its entries are here: everybody's share, spread over its time. */
export function beatsOf({ first, last, began, ended, people }: Sitting): Beat[] {
  const beats: Beat[] = []
  const many = Math.max(1, Math.min(12, last - first + 1))
  for (let at = 0; at < many; at += 1) {
    const part = many > 1 ? at / (many - 1) : 0
    for (const [user, inserted, deleted] of people)
      beats.push({ seq: Math.round(first + part * (last - first)), time: began + part * (ended - began), user, weight: (inserted + deleted) / many })
  }
  return beats
}
