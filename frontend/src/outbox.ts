import * as Y from 'yjs'

/** One change that somebody made here, and whether it is safe anywhere but in this tab. */
export interface Edit {
  readonly update: Uint8Array
  /** By the clock of this page (performance.now), which nobody sets; of an edit from an earlier page, when it was read. */
  readonly made: number
  /** Where it lies on the device, once IndexedDB has confirmed that it does. */
  row: IDBValidKey | null
}

/** Edits that the server has not acknowledged, oldest first. */
export class Outbox {
  private edits: Edit[] = []

  get length(): number {
    return this.edits.length
  }

  get all(): readonly Edit[] {
    return this.edits
  }

  /** When the oldest of them was made; null: there is none. */
  get since(): number | null {
    return this.edits[0]?.made ?? null
  }

  /** How many of them are on the device. They get there in order, so only the youngest are looked at. */
  get kept(): number {
    let length = this.edits.length
    while (length && this.edits[length - 1]?.row === null) length -= 1
    return length
  }

  add(...edits: Edit[]): void {
    this.edits.push(...edits)
  }

  remove(acknowledged: readonly Edit[]): void {
    const gone = new Set(acknowledged)
    this.edits = this.edits.filter((edit) => !gone.has(edit))
  }
}

const FEW = 50

/** One update that stands for all. Y.mergeUpdates over many at once is quadratic, so they are merged a few at a time. */
export function merge(updates: readonly Uint8Array[]): Uint8Array {
  let level = [...updates]
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let at = 0; at < level.length; at += FEW) next.push(Y.mergeUpdates(level.slice(at, at + FEW)))
    level = next
  }
  return level[0] ?? NOTHING
}

/** The update that changes nothing: no structs, no deletions. */
export const NOTHING = new Uint8Array([0, 0])

/** What a server with this state vector lacks of these edits, and of the doc; null: nothing. */
export function lacking(doc: Y.Doc, edits: readonly Edit[], stateVector: Uint8Array): Uint8Array | null {
  const mine = edits.length ? Y.diffUpdate(merge(edits.map(({ update }) => update)), stateVector) : NOTHING
  const known = Y.decodeStateVector(stateVector)
  for (const [client, clock] of Y.parseUpdateMeta(mine).to) known.set(client, Math.max(clock, known.get(client) ?? 0))
  // An edit can only be missing here when the device lost its row: then the doc itself has to tell, with all its deletions.
  for (const [client, clock] of Y.decodeStateVector(Y.encodeStateVector(doc)))
    if (clock > (known.get(client) ?? 0)) return Y.mergeUpdates([mine, Y.encodeStateAsUpdate(doc, stateVector)])
  return mine.length > NOTHING.length ? mine : null
}
