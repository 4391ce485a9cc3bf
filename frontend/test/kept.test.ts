// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest'
import { binned } from '../src/binned'
import { keepBoot, keptBoot } from '../src/boot'
import { STORES, complete, openDatabase } from '../src/database'
import { forgetLook, forgetNotes, keptNotes, rememberLook, rememberNote, unsentNotes, untoldLook } from '../src/kept'

async function keepOnDevice(userId: number, ...ids: string[]): Promise<void> {
  const database = await openDatabase(userId)
  const transaction = database.transaction(STORES.notes, 'readwrite')
  for (const document of ids) transaction.objectStore(STORES.notes).put({ document })
  await complete(transaction)
  database.close()
}

beforeEach(() => localStorage.clear())

test('the notes on this device are listed with their last title, those opened last first', async () => {
  await keepOnDevice(1, 'a', 'b')
  rememberNote(1, { id: 'a', title: 'Plan', updated: 1 })
  rememberNote(1, { id: 'b', title: 'List', updated: 2 })
  rememberNote(1, { id: 'a', title: 'Spring plan', updated: 3 })
  expect(await keptNotes(1)).toEqual([{ id: 'a', title: 'Spring plan', updated: 3 }, { id: 'b', title: 'List', updated: 2 }])
})

test('a note whose text is not here is not offered', async () => {
  await keepOnDevice(2, 'a')
  rememberNote(2, { id: 'c', title: 'Elsewhere', updated: 1 })
  expect(await keptNotes(2)).toEqual([])
})

test('after signing out nobody reads the titles, and others on this device keep theirs', async () => {
  await keepOnDevice(3, 'a')
  await keepOnDevice(4, 'b')
  rememberNote(3, { id: 'a', title: 'Mine', updated: 1 })
  rememberNote(4, { id: 'b', title: 'Yours', updated: 1 })
  forgetNotes(3)
  expect(await keptNotes(3)).toEqual([])
  expect((await keptNotes(4)).map(({ title }) => title)).toEqual(['Yours'])
})

test('edits that only this device may have are named by their notes', async () => {
  const database = await openDatabase(5)
  const transaction = database.transaction(STORES.updates, 'readwrite')
  const rows = transaction.objectStore(STORES.updates)
  rows.add({ document: 'a', mine: true })
  rows.add({ document: 'a', mine: true })
  rows.add({ document: 'b', mine: false })
  await complete(transaction)
  database.close()
  rememberNote(5, { id: 'a', title: 'Plan', updated: 1 })
  expect(await unsentNotes(5)).toEqual(['Plan'])
  expect(await unsentNotes(6)).toEqual([])
})

test('a browser that refuses its storage stops nobody', () => {
  const refuse = () => {
    throw new DOMException('denied', 'SecurityError')
  }
  for (const name of ['localStorage', 'sessionStorage'] as const) vi.spyOn(window, name, 'get').mockImplementation(refuse)
  const boot = { user: null, csrf: 'x', schema: 1, first: false, settings: { guests: true, signups: true, retention: null } }
  keepBoot(boot)
  expect(keptBoot().user).toBeNull()
  rememberNote(7, { id: 'a', title: 'Plan', updated: 1 })
  forgetNotes(7)
  binned.remember('a')
  expect(binned.take()).toBeNull()
  vi.restoreAllMocks()
})

test('what was looked at is remembered until the server knows it, and not beyond signing out', () => {
  rememberLook(5, 'a', 3)
  rememberLook(5, 'b', 7)
  rememberLook(5, 'a', 4)
  expect([untoldLook(5, 'a'), untoldLook(5, 'b'), untoldLook(5, 'c'), untoldLook(6, 'a')]).toEqual([4, 7, 0, 0])
  forgetLook(5, 'a')
  expect([untoldLook(5, 'a'), untoldLook(5, 'b')]).toEqual([0, 7])
  forgetNotes(5)
  expect(untoldLook(5, 'b')).toBe(0)
  expect(localStorage.length).toBe(0)
})
