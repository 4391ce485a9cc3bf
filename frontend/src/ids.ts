/** Ids of what is in a doc, as ranges of each client's clocks: what Yjs calls a delete set, whatever it is a set of. */
import * as Y from 'yjs'

export type Ids = ReturnType<typeof Y.createDeleteSet>

export const isIn: (ids: Ids, id: Y.ID) => boolean = Y.isDeleted

export const union = (some: readonly Ids[]): Ids => Y.mergeDeleteSets([...some])

export function idsOf(ranges: Iterable<readonly [client: number, clock: number, len: number]>): Ids {
  const ids = Y.createDeleteSet()
  for (const [client, clock, len] of ranges) {
    const known = ids.clients.get(client)
    if (known) known.push({ clock, len })
    else ids.clients.set(client, [{ clock, len }])
  }
  return union([ids])
}

export const NONE: Ids = idsOf([])

/** The parts of these clocks that are not among `ids`. */
export function* outside(ids: Ids, client: number, clock: number, len: number): Generator<[clock: number, len: number]> {
  const ranges = ids.clients.get(client) ?? []
  let low = 0
  for (let high = ranges.length; low < high;) {
    const middle = (low + high) >> 1
    const range = ranges[middle]
    if (range && range.clock + range.len <= clock) low = middle + 1
    else high = middle
  }
  let at = clock
  for (let range = ranges[low]; range && range.clock < clock + len; range = ranges[++low]) {
    if (range.clock > at) yield [at, range.clock - at]
    at = range.clock + range.len
  }
  if (at < clock + len) yield [at, clock + len - at]
}

export const without = (some: Ids, others: Ids): Ids =>
  idsOf([...some.clients].flatMap(([client, ranges]) => ranges.flatMap(({ clock, len }) => [...outside(others, client, clock, len)].map(([at, left]) => [client, at, left] as const))))

/** What these are the ids of; the first and the last may reach beyond them. */
export function* structsOf({ store }: Y.Doc, ids: Ids): Generator<Y.Item | Y.GC> {
  for (const [client, ranges] of ids.clients) {
    const structs = store.clients.get(client)
    if (!structs) continue
    for (const { clock, len } of ranges) {
      if (clock >= Y.getState(store, client)) break
      for (let at = Y.findIndexSS(structs, clock); at < structs.length && (structs[at]?.id.clock ?? 0) < clock + len; at++) yield structs[at] as Y.Item | Y.GC
    }
  }
}

/** Everything that came into a doc since it had this state. */
export const since = ({ store }: Y.Doc, state: ReadonlyMap<number, number>): Ids =>
  idsOf([...store.clients.keys()].map((client) => [client, state.get(client) ?? 0, Y.getState(store, client) - (state.get(client) ?? 0)] as const).filter(([, , len]) => len > 0))

/** What an update puts in and takes out. */
export interface Told { inserts: Ids; deletes: Ids }

const read = new WeakMap<Uint8Array, Told>()

export function told(update: Uint8Array): Told {
  let known = read.get(update)
  if (known) return known
  const { structs, ds } = Y.decodeUpdate(update)
  const inserts = idsOf(structs.filter((struct) => !(struct instanceof Y.Skip)).map(({ id, length }) => [id.client, id.clock, length] as const))
  read.set(update, (known = { inserts, deletes: union([ds]) }))
  return known
}
