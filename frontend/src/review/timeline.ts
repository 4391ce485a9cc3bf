/** The rows of the timeline: sittings, named versions and acts under their days, newest first. */
import type { Act, Damage, History, Sitting, Version } from './server'
import { day } from './when'

export type Row =
  | { kind: 'day'; key: string; words: string }
  | { kind: 'looked'; key: string; time: number }
  | { kind: 'sitting'; key: string; seq: number; fresh: boolean; sitting: Sitting }
  | { kind: 'version'; key: string; seq: number; fresh: boolean; version: Version }
  | { kind: 'act'; key: string; seq: number; fresh: boolean; act: Act }
  | { kind: 'damage'; key: string; seq: number; fresh: boolean; damage: Damage }

type Item = Extract<Row, { seq: number }>

export interface Known extends Pick<History, 'sittings' | 'versions' | 'acts' | 'damaged' | 'more' | 'looked'> {}

// Of one entry: what somebody called it stands above what it was, and that above the sitting which ends with it.
const ABOVE = { damage: 0, version: 1, act: 2, sitting: 3 }

/** `people`: only what these did; null: what anybody did. */
export function rowsOf({ sittings, versions, acts, damaged, more, looked }: Known, people: ReadonlySet<number | null> | null, now: number): Row[] {
  const oldest = sittings.at(-1)?.first ?? 0
  const known = (seq: number) => more === null || seq >= oldest
  const fresh = (seq: number) => looked !== null && seq > looked.seq
  const items: Item[] = [
    ...versions.filter(({ seq }) => known(seq)).map((version): Item => ({ kind: 'version', key: `version-${version.seq}`, seq: version.seq, fresh: fresh(version.seq), version })),
    ...acts.filter(({ seq, user }) => known(seq) && (!people || people.has(user))).map((act): Item => ({ kind: 'act', key: `act-${act.seq}`, seq: act.seq, fresh: fresh(act.seq), act })),
    ...damaged.filter(({ last }) => known(last)).map((damage): Item => ({ kind: 'damage', key: `damage-${damage.first}`, seq: damage.last, fresh: false, damage })),
    ...sittings
      .filter((sitting) => !people || sitting.people.some(([user]) => people.has(user)))
      .map((sitting): Item => ({ kind: 'sitting', key: `sitting-${sitting.first}`, seq: sitting.last, fresh: fresh(sitting.last), sitting })),
  ].sort((a, b) => b.seq - a.seq || ABOVE[a.kind] - ABOVE[b.kind])

  /** A version may be named long after: it stands on the day of the words it names. */
  const timeOf = (item: Item) => {
    if (item.kind === 'sitting') return item.sitting.ended
    const within = sittings.find(({ first, last }) => first <= item.seq && item.seq <= last)
    return within?.ended ?? (item.kind === 'version' ? item.version.time : item.kind === 'act' ? item.act.time : item.damage.found)
  }

  const rows: Row[] = []
  let today = ''
  let line = looked !== null && items[0]?.fresh === true
  for (const item of items) {
    if (line && !item.fresh && looked) {
      rows.push({ kind: 'looked', key: 'looked', time: looked.time })
      line = false
    }
    const words = day(timeOf(item), now)
    if (words !== today) rows.push({ kind: 'day', key: `day-${item.seq}`, words: (today = words) })
    rows.push(item)
  }
  // They looked in the middle of the first sitting there is.
  if (line && looked && known(looked.seq)) rows.push({ kind: 'looked', key: 'looked', time: looked.time })
  return rows
}

/** How much a sitting put in and took out: all of it, or what these people did. */
export function sizeOf({ people }: Sitting, only: ReadonlySet<number | null> | null): { inserted: number; deleted: number } {
  const counted = people.filter(([user]) => !only || only.has(user))
  return { inserted: counted.reduce((sum, [, inserted]) => sum + inserted, 0), deleted: counted.reduce((sum, [, , deleted]) => sum + deleted, 0) }
}
