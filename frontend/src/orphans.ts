/**
 * Nothing typed is lost: whoever takes away a paragraph takes away what they knew of it, by name. What somebody else wrote in it
 * meanwhile is an orphan. Yjs deletes it with the paragraph, on every page; one page puts it back, as an edit of its own.
 *
 * First of all it is the page in which it was typed, as soon as it hears of the deletion. If what was typed had not been sent, and the
 * page was closed: the next one of that device. If neither does it in some seconds: the page that was the first to take away what the
 * orphan stood in.
 */
import * as Y from 'yjs'
import { adopt } from './adopt'
import { idsOf, isIn, NONE, outside, since, structsOf, told, union, without, type Ids } from './ids'

/** In the meta of a transaction: the updates that it merges, as they were written. Yjs's own list of what it deletes names orphans, too. */
export const MERGED = Symbol('merged')

export interface Merged {
  updates: readonly { readonly update: Uint8Array; /** The newest entry of those that it tells; without: it tells a state. */ readonly seq?: number }[]
  /** Where they are from: the server, an earlier page of this device, or this page, which made an edit without all that the doc holds. */
  from: 'server' | 'device' | 'here'
}

/** What was typed in this page is put back: undo takes it away like typing. */
export const RETURNED = Symbol('returned')
/** What somebody else wrote, or somebody restored, is put back. */
export const ADOPTED = Symbol('adopted')

/** Whoever comes at the same time as we do is seen to be there within these milliseconds. */
const GRACE = 1000
/** A page that has to put something back, and is there, has done so within these. */
const PATIENCE = 5000

/** An orphan that is not put back at once. */
interface Waiting {
  id: Y.ID
  length: number
  words: string
  /** Our edit that it is in, or that took away its home. */
  edit: Uint8Array
  isOurs: boolean
  /** What it stood in, which was taken away by name. */
  home: Y.ID
  /** What went together with it, and the doc before. */
  gone: Ids
  state: ReadonlyMap<number, number>
  /** What has been written since, a line for each text. */
  heard: string
  /** When we put it back, unless somebody else does: together with what comes next. */
  due: number
  timer?: ReturnType<typeof setTimeout>
}

interface Options {
  /** Is the page there that writes with this client id? */
  isHere(client: number): boolean
  mayWrite(): boolean
}

export class Orphans {
  /** Edits of ours that are not settled, and how much had been heard before each. */
  private readonly edits = new Map<Uint8Array, number>()
  /** Those that the server has, with the entry that holds each; null: nobody can tell. */
  private readonly acked = new Map<Uint8Array, number | null>()
  /** What has come from the server while there were such edits. */
  private heard: Merged['updates'][number][] = []
  /** Settled edits that took away what may hold something, and what they were the first to take away. */
  private readonly takers = new Map<Uint8Array, Ids>()
  /** What edits of an earlier page took away. */
  private left: Ids = NONE
  /** All orphans that were seen. */
  private orphans: Ids = NONE
  private waiting: readonly Waiting[] = []

  constructor(private readonly doc: Y.Doc, private readonly options: Options) {
    // What was taken away must be known when an orphan comes. Undo keeps what this page took away.
    doc.gcFilter = ({ id }) => !isIn(this.left, id)
    doc.on('afterTransaction', this.look)
  }

  destroy(): void {
    this.doc.off('afterTransaction', this.look)
    this.forget(this.waiting)
  }

  /** There is an edit that the server does not have. */
  made(update: Uint8Array): void {
    this.edits.set(update, this.heard.length)
  }

  /** There are edits of an earlier page, and the doc does not have them yet. */
  takeOver(updates: readonly Uint8Array[]): void {
    for (const update of updates) this.made(update)
    this.left = union([this.left, ...updates.map((update) => told(update).deletes)])
  }

  /** The server has these. `all`: what it sent before it said so is in the doc. */
  acknowledged(updates: readonly Uint8Array[], seq: number | null, all: boolean): void {
    for (const update of updates) if (this.edits.has(update)) this.acked.set(update, seq)
    if (all) this.settle()
  }

  private settle(): void {
    if (!this.acked.size) return
    for (const [update, seq] of this.acked) {
      const { deletes } = told(update)
      // What was committed together is told in one, with our own edit in it; if there is nothing else in it, it is not ours. A state does not tell who came first.
      const before = this.heard.slice(this.edits.get(update)).filter((other) => other.seq !== undefined && (seq === null || other.seq < seq || isAll(update, other.update)))
      if (this.holds(deletes)) this.takers.set(update, without(deletes, deletesOf(before)))
      this.edits.delete(update)
    }
    const oldest = Math.min(this.heard.length, ...this.edits.values())
    this.heard.splice(0, oldest)
    for (const [update, heard] of this.edits) this.edits.set(update, heard - oldest)
    for (const orphan of this.waiting) {
      if (orphan.timer !== undefined || !this.acked.has(orphan.edit)) continue
      if (orphan.isOurs || isIn(this.takers.get(orphan.edit) ?? NONE, orphan.home)) this.wait(orphan, GRACE)
      else this.forget([orphan])
    }
    this.acked.clear()
  }

  /** Is there anything among these that can hold something? */
  private holds(ids: Ids): boolean {
    for (const struct of structsOf(this.doc, ids)) if (struct instanceof Y.Item && struct.content instanceof Y.ContentType) return true
    return false
  }

  private wait(orphan: Waiting, time: number): void {
    orphan.due = performance.now() + time
    orphan.timer = setTimeout(() => {
      if (time < PATIENCE && this.options.isHere(orphan.id.client)) this.wait(orphan, PATIENCE)
      else this.putBack(this.waiting.filter(({ id, due }) => id.client === orphan.id.client && due < orphan.due + GRACE))
    }, time)
  }

  private forget(some: readonly Waiting[]): void {
    for (const { timer } of some) clearTimeout(timer)
    this.waiting = this.waiting.filter((orphan) => !some.includes(orphan))
  }

  private putBack(some: readonly Waiting[]): void {
    const { doc } = this
    this.forget(some)
    if (!this.options.mayWrite()) return
    const edits = some.map(({ edit }) => told(edit))
    const ids = idsOfItems(some)
    const taken = union([...edits.map(({ deletes }) => deletes), ...some.map(({ gone }) => gone)])
    const fresh = union([...edits.map(({ inserts }) => inserts), ...some.map(({ state }) => since(doc, state))])
    doc.transact((transaction) => adopt(transaction, { ids, taken, fresh }), ADOPTED)
  }

  private look = (transaction: Y.Transaction): void => {
    const merged = transaction.meta.get(MERGED) as Merged | undefined
    if (!merged) return
    const { doc, edits, takers } = this
    if (merged.from === 'server' && edits.size) this.heard.push(...merged.updates)
    if (transaction.deleteSet.clients.size && (edits.size || takers.size || merged.from === 'here' || Y.getState(doc.store, doc.clientID))) {
      const gone: Y.Item[] = []
      Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct) => {
        if (struct instanceof Y.Item && struct.parentSub === null && aboveOf(struct)?.deleted) gone.push(struct)
      })
      if (gone.length) this.find(transaction, merged, gone)
    }
    if (merged.from !== 'server') return
    this.settle()
    if (this.waiting.length) for (const { update, seq } of merged.updates) this.drop(told(update).deletes, seq === undefined)
    this.recognise(merged.updates)
  }

  /** What somebody who knew of it has deleted stays away. A state names all that is gone. */
  private drop(named: Ids, isState: boolean): void {
    for (const orphan of this.waiting) {
      const { id, length, words, home } = orphan
      if (isState && isIn(named, home)) continue
      const left = [...outside(named, id.client, id.clock, length)]
      if (left.length === 1 && left[0]?.[1] === length) continue
      this.forget([orphan])
      for (const [clock, len] of left) {
        const part: Waiting = { ...orphan, id: Y.createID(id.client, clock), length: len, words: words.slice(clock - id.clock, clock - id.clock + len) }
        this.waiting = [...this.waiting, part]
        if (orphan.timer !== undefined) this.wait(part, orphan.due - performance.now())
      }
    }
  }

  /** Look for orphans among what has gone with what it stood in. */
  private find(transaction: Y.Transaction, { updates, from }: Merged, gone: readonly Y.Item[]): void {
    const { doc } = this
    const { beforeState: state, deleteSet } = transaction
    const ours = new Map([...this.edits.keys(), ...(from === 'here' ? updates.map(({ update }) => update) : [])].map((update) => [update, told(update)]))
    const inserts = union([...ours.values()].map((edit) => edit.inserts))
    const deletes = union([...[...ours.values()].map((edit) => edit.deletes), ...this.takers.values()])
    const concerns = gone.filter((item) => item.id.client === doc.clientID || isIn(inserts, item.id) || (deletes.clients.size > 0 && aroundOf(item).some(({ id }) => isIn(deletes, id))))
    if (!concerns.length) return
    const named = deletesOf(updates)
    const unnamed = idsOf(concerns.flatMap(({ id, length }) => [...outside(named, id.client, id.clock, length)].map(([clock, len]) => [id.client, clock, len] as const)))
    this.orphans = union([this.orphans, unnamed])
    const found: Y.Item[] = []
    Y.iterateDeletedStructs(transaction, unnamed, (struct) => struct instanceof Y.Item && found.push(struct))
    const typed: Y.Item[] = []
    for (const item of found) {
      keep(item)
      if (item.id.client === doc.clientID) typed.push(item)
      else {
        const home = aroundOf(item).find(({ id }) => !isIn(this.orphans, id))?.id
        const isOurs = isIn(inserts, item.id)
        const [edit] = [...ours].find(([, { inserts, deletes }]) => (isOurs ? isIn(inserts, item.id) : home && isIn(deletes, home))) ?? []
        const [taker] = [...this.takers].find(([, first]) => home && isIn(first, home)) ?? []
        if (home && (edit ?? taker)) this.leave(item, home, (edit ?? taker) as Uint8Array, isOurs, !edit, transaction)
      }
    }
    if (!typed.length || !this.options.mayWrite()) return
    doc.transact((inner) => adopt(inner, { ids: idsOfItems(typed), taken: deleteSet, fresh: since(doc, state) }), from === 'here' ? ADOPTED : RETURNED)
  }

  /** To others, for a while. */
  private leave(item: Y.Item, home: Y.ID, edit: Uint8Array, isOurs: boolean, isLate: boolean, { deleteSet: gone, beforeState: state }: Y.Transaction): void {
    const words = item.content instanceof Y.ContentString ? item.content.str : ''
    const { id, length } = item
    const orphan: Waiting = { id, length, words, edit, isOurs, home, gone, state, heard: '', due: Infinity }
    this.waiting = [...this.waiting, orphan]
    if (isLate) this.wait(orphan, PATIENCE)
  }

  /** What somebody has put back needs nobody else. */
  private recognise(updates: Merged['updates']): void {
    for (const { update, seq } of this.waiting.length ? updates : []) {
      // A state that has an orphan alive is older than our deletion.
      const waiting = this.waiting.filter(({ timer }) => timer !== undefined || seq !== undefined)
      for (const struct of Y.decodeUpdate(update).structs) {
        const content = struct instanceof Y.Item ? struct.content : null
        // A text is told in one, with its formats between the words.
        const words = content instanceof Y.ContentString ? content.str : content instanceof Y.ContentFormat ? '' : '\0'
        const own = idsOfItems([struct])
        for (const orphan of waiting) if (!isIn(own, orphan.id)) orphan.heard += words
      }
    }
    this.forget(this.waiting.filter(({ heard, words }) => heard.split('\0').some((line) => line && isWithin(words, line))))
  }
}

/** Does an update say everything that another one says? */
function isAll(update: Uint8Array, other: Uint8Array): boolean {
  const [all, some] = [told(update), told(other)]
  return !without(some.inserts, all.inserts).clients.size && !without(some.deletes, all.deletes).clients.size
}

/** Are these characters there, in their order? Others may stand between them. */
function isWithin(words: string, line: string): boolean {
  let at = 0
  for (let unit = 0; unit < line.length && at < words.length; unit++) if (line[unit] === words[at]) at += 1
  return at === words.length
}

const deletesOf = (updates: Merged['updates']): Ids => union(updates.map(({ update }) => told(update).deletes))
const idsOfItems = (items: readonly { id: Y.ID; length: number }[]): Ids => idsOf(items.map(({ id, length }) => [id.client, id.clock, length]))

const aboveOf = ({ parent }: Y.Item): Y.Item | null => (parent as Y.AbstractType<unknown>)._item

/** What is gone and holds it, the innermost first. */
function aroundOf(item: Y.Item): Y.Item[] {
  const around: Y.Item[] = []
  for (let above = aboveOf(item); above?.deleted; above = aboveOf(above)) around.push(above)
  return around
}

/** Yjs keeps what an orphan stood in, with everything in that. */
function keep(orphan: Y.Item): void {
  const all = (item: Y.Item): void => {
    item.keep = true
    if (!(item.content instanceof Y.ContentType)) return
    const { type } = item.content
    for (const value of type._map.values()) value.keep = true
    for (let child = type._start; child; child = child.right) all(child)
  }
  const top = aroundOf(orphan).at(-1)
  if (top) all(top)
}
