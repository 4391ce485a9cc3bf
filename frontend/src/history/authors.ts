/** Which group inserted and which one deleted each id, told by the log alone: whoever wrote it first, did it. */
import * as Y from 'yjs'

/** Nobody has deleted it: later than every moment. */
export const NEVER = 0x7fffffff

/** Clocks [from, to) of one client, and the group they go back to. */
interface Run { from: number; to: number; group: number }

const NO_RUNS: readonly Run[] = []

/** Runs of each client. Those that `sort` has seen are in their order and do not overlap. */
class Runs {
  private readonly clients = new Map<number, Run[]>()
  private readonly unsorted = new Map<number, Run[]>()

  /** Groups come in the order of the log. */
  add(client: number, from: number, to: number, group: number): void {
    if (from >= to) return
    const runs = this.clients.get(client)
    const last = runs?.at(-1)
    if (last && from < last.to) {
      const waiting = this.unsorted.get(client)
      if (waiting) waiting.push({ from, to, group })
      else this.unsorted.set(client, [{ from, to, group }])
    } else if (last?.group === group && last.to === from) last.to = to
    else if (runs) runs.push({ from, to, group })
    else this.clients.set(client, [{ from, to, group }])
  }

  /** Put in their places those that came out of order; where they overlap, the earlier group stays. */
  sort(): void {
    for (const [client, waiting] of this.unsorted) {
      const known = this.clients.get(client) ?? []
      this.clients.set(client, disjoint([...known, ...waiting].sort((a, b) => a.from - b.from || a.group - b.group)))
    }
    this.unsorted.clear()
  }

  of(client: number): readonly Run[] {
    return this.clients.get(client) ?? NO_RUNS
  }
}

/** `runs`, sorted by where they begin, without the parts that an earlier group has. */
function disjoint(runs: readonly Run[]): Run[] {
  const out: Run[] = []
  const put = (run: Run) => {
    const last = out.at(-1)
    if (last?.group === run.group && last.to === run.from) last.to = run.to
    else out.push(run)
  }
  // Those that reach over the place where we are; hardly ever more than one.
  let open: Run[] = []
  let at = 0
  const advance = (until: number) => {
    while (open.length && at < until) {
      const first = open.reduce((best, run) => (run.group < best.group ? run : best))
      const end = Math.min(until, first.to)
      put({ from: at, to: end, group: first.group })
      at = end
      open = open.filter((run) => run.to > at)
    }
    at = until
  }
  for (const run of runs) {
    advance(run.from)
    open.push(run)
  }
  advance(Infinity)
  return out
}

export class Authors {
  private readonly inserts = new Runs()
  private readonly deletes = new Runs()

  /** Note what `group` has inserted and deleted. */
  add(group: number, update: Uint8Array): void {
    const { structs, ds } = Y.decodeUpdate(update)
    for (const struct of structs) {
      if (struct instanceof Y.Skip) continue
      this.inserts.add(struct.id.client, struct.id.clock, struct.id.clock + struct.length, group)
    }
    for (const [client, ranges] of ds.clients) for (const { clock, len } of ranges) this.deletes.add(client, clock, clock + len, group)
  }

  /** Needed once after the last `add`, before anything is asked. */
  sort(): void {
    this.inserts.sort()
    this.deletes.sort()
  }

  /** Cut [clock, clock + length) where groups change: `piece` is called for each part, in order. What nobody inserted is left out. */
  cut(client: number, clock: number, length: number, piece: (offset: number, length: number, inserted: number, deleted: number) => void): void {
    const inserts = this.inserts.of(client)
    const deletes = this.deletes.of(client)
    const end = clock + length
    let i = firstAfter(inserts, clock)
    let d = firstAfter(deletes, clock)
    for (let at = clock; at < end;) {
      const inserted = inserts[i]
      if (!inserted || inserted.from >= end) return
      if (inserted.from > at) at = inserted.from
      while (d < deletes.length && (deletes[d] as Run).to <= at) d++
      const deleted = deletes[d]
      const isDeleted = !!deleted && deleted.from <= at
      const until = Math.min(end, inserted.to, isDeleted ? deleted.to : (deleted?.from ?? end))
      piece(at - clock, until - at, inserted.group, isDeleted ? deleted.group : NEVER)
      at = until
      if (at === inserted.to) i++
    }
  }
}

/** The first run that ends after `clock`. */
function firstAfter(runs: readonly Run[], clock: number): number {
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle] as Run).to <= clock) low = middle + 1
    else high = middle
  }
  return low
}
