/** Cut an update into pieces that the server takes, each complete, in an order in which each can be merged. */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

type Struct = Y.Item | Y.GC | Y.Skip
interface Range { client: number; clock: number; len: number }

/** Half of what the server allows (sync/README.md). */
export const LIMITS = { bytes: 512 * 1024, structs: 10_000, ranges: 10_000, clients: 32 }
export type Limits = typeof LIMITS

/** Fewer bytes than this cannot hold more than any limit allows. */
const SURELY_SMALL = 64

/**
 * What is applied piece by piece is the same as `update`, which is of this doc; after each piece nothing waits for a later one. What is
 * taken away with everything in it goes after that: a piece that did not name it all would make orphans (orphans.ts).
 */
export function split(update: Uint8Array, doc: Y.Doc, limits: Limits = LIMITS): Uint8Array[] {
  if (update.length <= Math.min(SURELY_SMALL, limits.bytes)) return [update]
  const { structs, ds } = Y.decodeUpdate(update)
  const ranges = [...ds.clients].flatMap(([client, list]) => list.map(({ clock, len }) => ({ client, clock, len })))
  if (fits(update, structs, ranges, limits)) return [update]
  // Deletions go last: what they delete is known by then.
  return [...piecesOf(structs, limits), ...deletions(insideFirst(ranges, doc), limits)]
}

function fits(update: Uint8Array, structs: Struct[], ranges: Range[], limits: Limits): boolean {
  const clients = new Set([...structs.map(({ id }) => id.client), ...ranges.map(({ client }) => client)])
  return update.length <= limits.bytes && structs.length <= limits.structs && ranges.length <= limits.ranges && clients.size <= limits.clients
}

function* piecesOf(structs: Struct[], limits: Limits): Generator<Uint8Array> {
  const piece = new Piece()
  for (const whole of inOrder(structs)) {
    for (const struct of cut(whole, limits.bytes)) {
      const bytes = sizeOf(struct)
      if (!piece.takes(struct, bytes, limits)) yield piece.finish()
      piece.add(struct, bytes)
    }
  }
  if (piece.count) yield piece.finish()
}

/** Structs on their way into one update: for each client a run of clocks without a gap. */
class Piece {
  count = 0
  private bytes = 0
  private runs = new Map<number, Struct[]>()

  takes(struct: Struct, bytes: number, limits: Limits): boolean {
    if (!this.count) return true
    const last = this.runs.get(struct.id.client)?.at(-1)
    if (last && last.id.clock + last.length !== struct.id.clock) return false
    if (!last && this.runs.size >= limits.clients) return false
    return this.count < limits.structs && this.bytes + bytes <= limits.bytes
  }

  add(struct: Struct, bytes: number): void {
    const run = this.runs.get(struct.id.client)
    if (run) run.push(struct)
    else this.runs.set(struct.id.client, [struct])
    this.count += 1
    this.bytes += bytes
  }

  /** The update; the piece is empty again afterwards. */
  finish(): Uint8Array {
    const encoder = new Y.UpdateEncoderV1()
    const out = encoder.restEncoder
    encoding.writeVarUint(out, this.runs.size)
    // Yjs writes the highest client first.
    for (const [client, run] of [...this.runs].sort(([a], [b]) => b - a)) {
      encoding.writeVarUint(out, run.length)
      encoding.writeVarUint(out, client)
      encoding.writeVarUint(out, run[0]?.id.clock ?? 0)
      for (const struct of run) struct.write(encoder, 0)
    }
    encoding.writeVarUint(out, 0)
    this.runs.clear()
    this.count = this.bytes = 0
    return encoder.toUint8Array()
  }
}

/** The same ranges in parts: those of what holds something are the last. */
function insideFirst(ranges: Range[], doc: Y.Doc): Range[] {
  const inside: Range[] = []
  const around: Range[] = []
  for (const { client, clock, len } of ranges) {
    const structs = doc.store.clients.get(client) ?? []
    for (let at = clock, index = Y.findIndexSS(structs, clock); at < clock + len; index++) {
      const struct = structs[index]
      const end = struct ? Math.min(clock + len, struct.id.clock + struct.length) : clock + len
      const holds = struct instanceof Y.Item && struct.content instanceof Y.ContentType && struct.content.type._start
      const list = holds ? around : inside
      const last = list.at(-1)
      if (last?.client === client && last.clock + last.len === at) last.len += end - at
      else list.push({ client, clock: at, len: end - at })
      at = end
    }
  }
  return [...inside, ...around]
}

function* deletions(ranges: Range[], limits: Limits): Generator<Uint8Array> {
  let runs = new Map<number, Range[]>()
  let count = 0
  for (const range of ranges) {
    if (count >= limits.ranges || (!runs.has(range.client) && runs.size >= limits.clients)) {
      yield deleting(runs)
      runs = new Map()
      count = 0
    }
    const run = runs.get(range.client)
    if (run) run.push(range)
    else runs.set(range.client, [range])
    count += 1
  }
  if (count) yield deleting(runs)
}

function deleting(runs: Map<number, Range[]>): Uint8Array {
  return encoding.encode((out) => {
    encoding.writeVarUint(out, 0)
    encoding.writeVarUint(out, runs.size)
    for (const [client, run] of runs) {
      encoding.writeVarUint(out, client)
      encoding.writeVarUint(out, run.length)
      for (const { clock, len } of run) {
        encoding.writeVarUint(out, clock)
        encoding.writeVarUint(out, len)
      }
    }
  })
}

/** Each struct after everything of this update that it refers to. */
function* inOrder(structs: Struct[]): Generator<Struct> {
  const queues = new Map<number, Struct[]>()
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    const queue = queues.get(struct.id.client)
    if (queue) queue.push(struct)
    else queues.set(struct.id.client, [struct])
  }
  // Taken from the end, which costs the same however long the queue is.
  for (const queue of queues.values()) queue.reverse()
  let [client] = queues.keys()
  let waits = 0
  while (client !== undefined) {
    const queue: Struct[] = queues.get(client) ?? []
    const struct = queue.at(-1)
    if (!struct) {
      queues.delete(client);
      [client] = queues.keys()
      continue
    }
    const before = references(struct).find((id) => id.client !== client && waitsIn(queues.get(id.client), id.clock))
    if (!before) {
      waits = 0
      queue.pop()
      yield struct
    } else if (++waits > queues.size) {
      throw new Error(`expected an update that can be merged, got clients ${client} and ${before.client} that wait for each other`)
    } else client = before.client
  }
}

/** Is the struct with this clock still to come? What is not part of the update is known to whoever gets it. */
function waitsIn(queue: Struct[] | undefined, clock: number): boolean {
  const next = queue?.at(-1)
  const last = queue?.[0]
  return !!next && !!last && clock >= next.id.clock && clock < last.id.clock + last.length
}

function references(struct: Struct): Y.ID[] {
  if (!(struct instanceof Y.Item)) return []
  // A decoded item names its parent by id or, a root, by name.
  return [struct.origin, struct.rightOrigin, struct.parent].filter((id): id is Y.ID => id instanceof Y.ID)
}

/** A long string in parts, never inside a surrogate pair; everything else as it is. */
function* cut(struct: Struct, bytes: number): Generator<Struct> {
  if (!(struct instanceof Y.Item) || !(struct.content instanceof Y.ContentString)) return yield struct
  // A UTF-16 unit takes at most three bytes; the header of an item is small.
  const units = Math.max(2, Math.floor(bytes / 4))
  let rest: Y.Item = struct
  while (rest.length > units) {
    const text: string = (rest.content as Y.ContentString).str
    const at = isHighSurrogate(text, units - 1) ? units - 1 : units
    const after = rightOf(rest, at)
    yield rest
    rest = after
  }
  yield rest
}

const isHighSurrogate = (text: string, at: number) => (text.charCodeAt(at) & 0xfc00) === 0xd800

/** What follows the first `at` units of `item`; `item` is shorter afterwards. */
function rightOf(item: Y.Item, at: number): Y.Item {
  const { client, clock } = item.id
  const content = item.content.splice(at)
  item.length = at
  const origin = Y.createID(client, clock + at - 1)
  return new Y.Item(Y.createID(client, clock + at), null, origin, null, item.rightOrigin, item.parent, item.parentSub, content)
}

function sizeOf(struct: Struct): number {
  const encoder = new Y.UpdateEncoderV1()
  struct.write(encoder, 0)
  return encoding.length(encoder.restEncoder)
}
