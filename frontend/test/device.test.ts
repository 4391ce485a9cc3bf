import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { STORES, complete, deleteDatabase, openDatabase } from '../src/database'
import { Device, type Kept } from '../src/device'
import { Outbox, type Edit } from '../src/outbox'

let people = 100

/** A tab in which somebody writes, whose server never answers unless the test says so. */
class Tab {
  readonly doc = new Y.Doc()
  readonly outbox = new Outbox()
  readonly device: Device
  seq = 0
  epoch = 'first'
  private kept: Kept | null = null

  constructor(readonly userId: number, readonly note = 'note') {
    this.device = new Device(userId, note, () => undefined, () => ({ epoch: this.epoch, role: 'editor', seq: this.seq, state: Y.encodeStateAsUpdate(this.doc) }))
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this.device) return
      if (origin === 'wire') return this.device.know(update)
      const edit: Edit = { update, made: performance.now(), row: null }
      this.outbox.add(edit)
      this.device.add(edit)
    })
  }

  async open(): Promise<this> {
    this.kept = await this.device.open()
    for (const update of this.kept?.updates ?? []) Y.applyUpdate(this.doc, update, this.device)
    this.outbox.add(...(this.kept?.edits ?? []))
    return this
  }

  get knew(): Kept | null {
    return this.kept
  }

  get text(): string {
    return this.doc.getText('title').toString()
  }

  type(words: string): this {
    for (const character of words) this.doc.getText('title').insert(this.doc.getText('title').length, character)
    return this
  }

  /** Somebody else's edit comes from the server. */
  hear(update: Uint8Array): void {
    Y.applyUpdate(this.doc, update, 'wire')
  }

  acknowledged(): void {
    const edits = [...this.outbox.all]
    this.outbox.remove(edits)
    this.device.acknowledged(edits)
  }

  save(): Promise<boolean> {
    return this.device.save()
  }

  async reached(): Promise<void> {
    await vi.waitFor(() => expect(this.outbox.kept).toBe(this.outbox.length))
  }
}

const tab = (userId = ++people, note?: string) => new Tab(userId, note).open()

test('a page that was closed without a network goes on where it was', async () => {
  const before = await tab()
  await before.save()
  before.type('typed offline')
  expect(before.outbox.kept).toBe(0)
  await before.reached()
  const after = await tab(before.userId)
  expect(after.text).toBe('typed offline')
  expect(after.outbox.length).toBe(13)
  expect(after.outbox.kept).toBe(13)
  expect(after.knew?.epoch).toBe('first')
})

test('edits of a note that was never stored as a whole can be opened again', async () => {
  const before = await tab()
  before.hear(Y.encodeStateAsUpdate(new Y.Doc()))
  const other = new Y.Doc()
  other.getText('title').insert(0, 'Ben: ')
  before.hear(Y.encodeStateAsUpdate(other))
  before.type('typed before the browser crashed')
  await before.reached()
  const after = await tab(before.userId)
  expect(after.text).toBe('Ben: typed before the browser crashed')
  expect(after.knew?.epoch).toBe('first')
  expect(after.outbox.length).toBe(32)
})

test('edits without the state that they build on are sent none the less', async () => {
  const before = await tab()
  before.type('alone')
  await before.reached()
  const database = await openDatabase(before.userId)
  const transaction = database.transaction(STORES.notes, 'readwrite')
  transaction.objectStore(STORES.notes).clear()
  await complete(transaction)
  database.close()
  const after = await tab(before.userId)
  expect(after.knew?.epoch).toBeNull()
  expect(after.outbox.length).toBe(5)
})

test('what is acknowledged is no longer an edit, once a state holds it', async () => {
  const before = await tab()
  await before.save()
  before.type('abc')
  await before.reached()
  before.acknowledged()
  before.type('d')
  await before.save()
  await before.reached()
  const after = await tab(before.userId)
  expect(after.text).toBe('abcd')
  expect(after.outbox.length).toBe(1)
})

test('an edit that was acknowledged before it lay on the device does not stay there', async () => {
  const before = await tab()
  await before.save()
  before.type('quick')
  before.acknowledged()
  await vi.waitFor(async () => {
    await before.save()
    expect((await tab(before.userId)).outbox.length).toBe(0)
  })
  expect((await tab(before.userId)).text).toBe('quick')
})

test('an edit can be read with what somebody else had written before it', async () => {
  const before = await tab()
  await before.save()
  const other = new Y.Doc()
  other.getText('title').insert(0, 'Ben: ')
  before.hear(Y.encodeStateAsUpdate(other))
  before.type('Ana')
  await before.reached()
  const after = await tab(before.userId)
  expect(after.text).toBe('Ben: Ana')
  expect(after.doc.store.pendingStructs).toBeNull()
  expect(after.outbox.length).toBe(3)
})

test('two tabs do not delete each other\'s edits', async () => {
  const one = await tab()
  await one.save()
  const two = await tab(one.userId)
  one.type('one')
  two.type('two')
  await one.reached()
  await two.reached()
  one.acknowledged()
  await one.save()
  const after = await tab(one.userId)
  expect(after.text).toContain('one')
  expect(after.text).toContain('two')
  expect(after.outbox.length).toBe(3)
})

test('a tab that knows less does not overwrite what another has stored', async () => {
  const one = await tab()
  const two = await tab(one.userId)
  two.type('newer')
  await two.reached()
  two.acknowledged()
  two.seq = 5
  await two.save()
  one.type('x')
  await one.reached()
  one.acknowledged()
  one.seq = 2
  await one.save()
  const after = await tab(one.userId)
  expect(after.text).toContain('newer')
  expect(after.text).toContain('x')
})

test('a copy in which the server has had everything is forgotten', async () => {
  const before = await tab()
  await before.save()
  before.hear(Y.encodeStateAsUpdate((await tab()).type('by another').doc))
  before.type(' and by me')
  await before.reached()
  before.acknowledged()
  expect(await before.device.drop()).toBe(true)
  const after = await tab(before.userId)
  expect(after.knew).toBeNull()
  expect(after.text).toBe('')
})

test('a copy with an edit that the server has not had is not forgotten, whichever tab made it', async () => {
  const one = await tab()
  await one.save()
  const two = await tab(one.userId)
  two.type('waits')
  await two.reached()
  expect(await one.device.drop()).toBe(false)
  expect(await two.device.drop()).toBe(false)
  expect((await tab(one.userId)).text).toBe('waits')
})

test('a copy of a rewritten history is set aside, and never merged', async () => {
  const before = await tab()
  await before.save()
  before.type('from the old history')
  await before.reached()
  expect(await before.device.setAside(Y.encodeStateAsUpdate(before.doc))).toBe(true)
  const after = await tab(before.userId)
  expect(after.knew).toBeNull()
  const [aside] = await after.device.aside()
  const copy = new Y.Doc()
  for (const update of aside ?? []) Y.applyUpdate(copy, update)
  expect(copy.getText('title').toString()).toBe('from the old history')
  await after.device.forgetAside()
  expect(await after.device.aside()).toEqual([])
  // The tab that holds it is still open: nothing of it comes back to the note.
  before.type('!')
  await before.save()
  expect((await tab(before.userId)).knew).toBeNull()
})

test('notes and people are kept apart, and signing out takes everything of one person away', async () => {
  const mine = await tab()
  await mine.save()
  mine.type('mine')
  await mine.reached()
  expect((await tab(mine.userId, 'another note')).text).toBe('')
  const theirs = await tab()
  expect(theirs.text).toBe('')
  await theirs.save()
  await deleteDatabase(mine.userId)
  expect((await tab(mine.userId)).text).toBe('')
  expect((await tab(theirs.userId)).knew).not.toBeNull()
  // The page that is still open goes on, and says that nothing is kept any more.
  mine.type('!')
  await vi.waitFor(() => expect(mine.device.broken).toBe(true))
  expect(mine.device.gone).toBe(true)
  expect(mine.text).toBe('mine!')
})

test('a browser that refuses storage does not stop anybody', async () => {
  const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
    throw new DOMException('denied', 'SecurityError')
  })
  const alone = await tab()
  open.mockRestore()
  alone.type('still here')
  expect(alone.device.broken).toBe(true)
  expect(alone.outbox.kept).toBe(0)
  await alone.save()
  expect(alone.text).toBe('still here')
})

test('a full disk is said, and typing goes on', async () => {
  const full = await tab()
  await full.save()
  const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  full.type('x')
  await vi.waitFor(() => expect(full.device.broken).toBe(true))
  add.mockRestore()
  expect(full.outbox.kept).toBe(0)
  full.type('y')
  expect(full.text).toBe('xy')
})
