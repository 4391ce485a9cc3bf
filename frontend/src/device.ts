/**
 * A note on this device: its last state, and every edit that the server has not acknowledged.
 *
 * Rows of `updates` hold edits made here and, before each, what others had made until then: an edit cannot be read without what it
 * builds on. The first of them come together with a state, for without one nobody could open them again. A tab may send the edits of any other tab, for the server drops what it knows; a row is deleted only together with
 * storing a state that holds it, by a tab that saw it acknowledged.
 */
import { STORES, answer, complete, openDatabase } from './database'
import type { Edit } from './outbox'
import type { Role } from './api'

export interface NoteRow { document: string; epoch: string; role: Role; seq: number; state: Uint8Array }
export interface UpdateRow { document: string; mine: boolean; update: Uint8Array }
export interface AsideRow { document: string; updates: Uint8Array[] }

/** What the device knew when the note was opened. */
export interface Kept {
  /** null: only edits are here, and nothing that they build on. They can be sent, but not shown before the server has told the rest. */
  epoch: string | null
  role: Role | null
  /** All entries of the log up to this one are in it. */
  seq: number
  /** Apply all of them, in this order. */
  updates: Uint8Array[]
  /** Those of them that nobody has acknowledged. */
  edits: Edit[]
}

/** What is true of the doc at the moment it is stored. */
export interface Moment { epoch: string; role: Role; seq: number; state: Uint8Array }

export class Device {
  private database: IDBDatabase | null = null
  private unwritten: Edit[] = []
  private theirs: Uint8Array[] = []
  private stale: IDBValidKey[] = []
  private done = new WeakSet<Edit>()
  private writing: Promise<void> = Promise.resolve()
  private busy = false

  /** The device does not take anything (any more): it is full, or the browser refuses. Edits are then only in this tab. */
  broken = false

  /** All of it was set aside; nothing more gets there. */
  sealed = false

  /** What lay on the device was taken away: somebody signed out, or in, in another tab. */
  gone = false

  /** `changed`: edits have come to lie on the device, or cannot. `moment`: the doc as it is now; null while there is nothing to store. */
  constructor(
    private readonly userId: number | null,
    private readonly documentId: string,
    private readonly changed: () => void,
    private readonly moment: () => Moment | null,
  ) {}

  /** Null: the device knows nothing of the note, or has no storage for it. */
  async open(): Promise<Kept | null> {
    try {
      this.database = await openDatabase(this.userId, () => {
        this.gone = true
        this.fail()
      })
      const kept = await this.load(this.database)
      void this.write()
      return kept
    } catch {
      // A browser in private mode, or a full disk: the note works, and the status says that nothing is kept here.
      this.fail()
      return null
    }
  }

  /** `edit.row` is set as soon as it is on the device. */
  add(edit: Edit): void {
    this.unwritten.push(edit)
    void this.write()
  }

  /** Somebody else's update: written with the next edit made here, or as part of the next state. */
  know(update: Uint8Array): void {
    if (!this.broken) this.theirs.push(update)
  }

  /** The server has these: their rows go with the next state that is stored. */
  acknowledged(edits: readonly Edit[]): void {
    for (const edit of edits) {
      this.done.add(edit)
      if (edit.row !== null) this.stale.push(edit.row)
    }
    this.unwritten = this.unwritten.filter((edit) => !this.done.has(edit))
  }

  /** The storage does not answer: the note is opened without it. */
  giveUp(): void {
    this.fail()
  }

  /** Store the doc as it is at this moment, and delete the rows that this makes needless. False: there is nothing to store yet. */
  async save(): Promise<boolean> {
    const { database, documentId: document, stale } = this
    const moment = this.moment()
    if (!moment) return false
    if (!database || this.broken || this.sealed) return true
    const { epoch, seq } = moment
    this.theirs = []
    this.stale = []
    await this.attempt(async () => {
      const transaction = database.transaction([STORES.notes, STORES.updates], 'readwrite')
      const notes = transaction.objectStore(STORES.notes)
      const before = (await answer(notes.get(document))) as NoteRow | undefined
      // Another tab has stored more: its rows may rest on it.
      if (before && before.epoch === epoch && before.seq > seq) this.stale = [...stale, ...this.stale]
      else {
        notes.put({ document, ...moment } satisfies NoteRow)
        for (const row of stale) transaction.objectStore(STORES.updates).delete(row)
      }
      await complete(transaction)
    })
    return true
  }

  /**
   * The copy can never become one with the note on the server: put it where it is not merged. True: it is on the device, and of what
   * is in this tab nothing more gets there.
   */
  async setAside(state: Uint8Array): Promise<boolean> {
    await this.writing
    const { database, documentId: document } = this
    if (!database || this.broken) return false
    this.sealed = true
    this.sealed = await this.attempt(async () => {
      const transaction = database.transaction(Object.values(STORES), 'readwrite')
      const updates = transaction.objectStore(STORES.updates)
      const [keys, rows] = await rowsOf(updates, document)
      transaction.objectStore(STORES.aside).add({ document, updates: [state, ...rows.map(({ update }) => update)] } satisfies AsideRow)
      transaction.objectStore(STORES.notes).delete(document)
      for (const key of keys) updates.delete(key)
      await complete(transaction)
    })
    return this.sealed
  }

  /** Forget the copy, in which there is nothing that the server has not had. False: there is, of another tab perhaps; or it could not be done. */
  async drop(): Promise<boolean> {
    await this.writing
    const { database, documentId: document } = this
    if (!database || this.broken) return false
    let had = false
    const done = await this.attempt(async () => {
      const transaction = database.transaction([STORES.notes, STORES.updates], 'readwrite')
      const updates = transaction.objectStore(STORES.updates)
      const [keys, rows] = await rowsOf(updates, document)
      had = rows.every(({ mine }, at) => !mine || this.stale.some((key) => indexedDB.cmp(key, keys[at]) === 0))
      if (had) {
        transaction.objectStore(STORES.notes).delete(document)
        for (const key of keys) updates.delete(key)
      }
      await complete(transaction)
    })
    return done && had
  }

  /** Copies that were set aside: each the updates of one doc. */
  async aside(): Promise<Uint8Array[][]> {
    if (!this.database || this.broken) return []
    const rows: AsideRow[] = await answer(this.database.transaction(STORES.aside).objectStore(STORES.aside).index('document').getAll(this.documentId))
    return rows.map(({ updates }) => updates)
  }

  async forgetAside(): Promise<void> {
    const { database, documentId } = this
    if (!database || this.broken) return
    await this.attempt(async () => {
      const transaction = database.transaction(STORES.aside, 'readwrite')
      const store = transaction.objectStore(STORES.aside)
      for (const key of await answer(store.index('document').getAllKeys(documentId))) store.delete(key)
      await complete(transaction)
    })
  }

  /** Nothing of the note stays on the device. */
  async forget(): Promise<void> {
    const { database, documentId } = this
    if (!database || this.broken) return
    await this.attempt(async () => {
      const transaction = database.transaction(Object.values(STORES), 'readwrite')
      transaction.objectStore(STORES.notes).delete(documentId)
      for (const name of [STORES.updates, STORES.aside]) {
        const store = transaction.objectStore(name)
        for (const key of await answer(store.index('document').getAllKeys(documentId))) store.delete(key)
      }
      await complete(transaction)
    })
  }

  async close(): Promise<void> {
    await this.writing
    this.database?.close()
    this.database = null
  }

  private async load(database: IDBDatabase): Promise<Kept | null> {
    const transaction = database.transaction([STORES.notes, STORES.updates])
    const note = (await answer(transaction.objectStore(STORES.notes).get(this.documentId))) as NoteRow | undefined
    const [keys, rows] = await rowsOf(transaction.objectStore(STORES.updates), this.documentId)
    if (!note && !rows.length) return null
    const edits: Edit[] = []
    const made = performance.now()
    rows.forEach(({ mine, update }, at) => {
      const row = keys[at] as IDBValidKey
      if (mine) edits.push({ update, made, row })
      else this.stale.push(row)
    })
    const updates = rows.map(({ update }) => update)
    return note
      ? { epoch: note.epoch, role: note.role, seq: note.seq, updates: [note.state, ...updates], edits }
      : { epoch: null, role: null, seq: 0, updates, edits }
  }

  /** One transaction at a time; what is made meanwhile goes into the next. */
  private async write(): Promise<void> {
    const { database, documentId: document } = this
    if (this.busy || !database || this.broken || this.sealed) return
    this.busy = true
    while (this.unwritten.length && !this.broken && !this.sealed) {
      const edits = this.unwritten
      const theirs = this.theirs
      this.unwritten = []
      this.theirs = []
      this.writing = this.attempt(async () => {
        const transaction = database.transaction([STORES.notes, STORES.updates], 'readwrite')
        const notes = transaction.objectStore(STORES.notes)
        if ((await answer(notes.getKey(document))) === undefined) {
          const moment = this.moment()
          if (!moment) throw new Error('expected edits of a note whose history is known')
          notes.put({ document, ...moment } satisfies NoteRow)
        }
        const store = transaction.objectStore(STORES.updates)
        const before = theirs.map((update) => store.add({ document, mine: false, update } satisfies UpdateRow))
        const rows = edits.map(({ update }) => store.add({ document, mine: true, update } satisfies UpdateRow))
        await complete(transaction)
        this.stale.push(...before.map(({ result }) => result))
        for (const [at, edit] of edits.entries()) {
          edit.row = rows[at]?.result ?? null
          if (this.done.has(edit) && edit.row !== null) this.stale.push(edit.row)
        }
      }).then(() => undefined)
      await this.writing
    }
    this.busy = false
    this.changed()
  }

  /** Whatever the storage refuses, typing goes on: it only is not kept here. */
  private async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch {
      this.fail()
      return false
    }
  }

  private fail(): void {
    this.broken = true
    this.changed()
  }
}

async function rowsOf(store: IDBObjectStore, document: string): Promise<[IDBValidKey[], UpdateRow[]]> {
  const index = store.index('document')
  return Promise.all([answer(index.getAllKeys(document)), answer(index.getAll(document) as IDBRequest<UpdateRow[]>)])
}
