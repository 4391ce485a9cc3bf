/** What can be chosen to be looked at, in the header. */
import type { View } from './address'
import type { History, Sitting } from './server'

export interface Choice { value: string; words: string; view: View }

const MOST_VERSIONS = 8

/** `sitting`: the one that is meant by "this"; `midnight`: when today began. */
export function choices(history: History, sittings: readonly Sitting[], sitting: Sitting | undefined, midnight: number): Choice[] {
  const { looked, since, versions, from: beginning } = history
  const before = (seq: number) => Math.max(seq - 1, beginning)
  const today = sittings.filter(({ ended }) => ended >= midnight).at(-1)
  const newest = sittings[0]
  const found: (Choice | null)[] = [
    looked && since > 0 ? { value: 'since', words: 'Since you last looked', view: { kind: 'range', from: Math.max(looked.seq, beginning), to: null } } : null,
    sitting ? { value: 'sitting', words: 'This sitting', view: { kind: 'range', from: before(sitting.first), to: sitting.last === newest?.last ? null : sitting.last } } : null,
    today && today !== sitting ? { value: 'today', words: 'Today', view: { kind: 'range', from: before(today.first), to: null } } : null,
    ...versions.toReversed().slice(0, MOST_VERSIONS).map(({ seq, name }): Choice => ({ value: `version-${seq}`, words: `Since “${name}”`, view: { kind: 'range', from: seq, to: null } })),
    { value: 'whole', words: 'Whole history', view: { kind: 'range', from: beginning, to: null } },
  ]
  return found.filter((choice) => choice !== null)
}

export const sameView = (a: View, b: View) => JSON.stringify(a) === JSON.stringify(b)
