import { LOST } from '../history/lost'
import { session } from '../session.svelte'
import type { History } from './server'

export interface Known { id: number | null; name: string; slot: number; self: boolean }

/** Who an entry is of, as the history knows them. Null, and who is not known, is somebody without a name. */
export function known({ people }: Pick<History, 'people'>, id: number | null): Known {
  if (id === LOST) return { id, name: 'Somebody in damaged entries', slot: 0, self: false }
  const author = people.find((person) => person.id === id)
  return { id, name: author?.name ?? 'Somebody', slot: author?.slot ?? 0, self: id !== null && id === session.user?.id }
}

/** Who wrote after the entry `seq`, the last ones first, without oneself. */
export function since(history: Pick<History, 'people' | 'sittings'>, seq: number): Known[] {
  const ids = history.sittings.filter(({ last }) => last > seq).flatMap(({ people }) => people.map(([id]) => id))
  return [...new Set(ids)].map((id) => known(history, id)).filter(({ self }) => !self)
}
