// @vitest-environment happy-dom
import { beforeEach, expect, test } from 'vitest'
import type { User } from '../src/api'
import { STORES, answer, complete, openDatabase } from '../src/database'
import { keptNotes, rememberNote, unsentNotes } from '../src/kept'
import { arrived, entering, stayed } from '../src/moving'

let people = 1000
const guest = (): User => ({ id: ++people, name: 'Gil', email: null, guest: true, admin: false })
const account = (): User => ({ id: ++people, name: 'Gil', email: 'gil@example.org', guest: false, admin: false })
const bytes = (...numbers: number[]) => new Uint8Array(numbers)

beforeEach(() => localStorage.clear())

async function writes(user: User, document: string, epoch: string, title: string): Promise<void> {
  const database = await openDatabase(user.id)
  const transaction = database.transaction(Object.values(STORES), 'readwrite')
  transaction.objectStore(STORES.notes).put({ document, epoch, role: 'owner', seq: 1, state: bytes(user.id % 256) })
  transaction.objectStore(STORES.updates).add({ document, mine: true, update: bytes(1, 2) })
  await complete(transaction)
  database.close()
  rememberNote(user.id, { id: document, title, updated: 1 })
}

async function rows(user: User): Promise<Record<string, { document: string; mine?: boolean; epoch?: string; updates?: Uint8Array[] }[]>> {
  const database = await openDatabase(user.id)
  const transaction = database.transaction(Object.values(STORES))
  const found = Object.fromEntries(await Promise.all(Object.values(STORES).map(async (store) => [store, await answer(transaction.objectStore(store).getAll())] as const)))
  database.close()
  return found
}

test('what a guest wrote is theirs after they sign in to an account', async () => {
  const [gil, later] = [guest(), account()]
  await writes(gil, 'a', 'first', 'Plan')
  entering(gil)
  await arrived(later)
  expect(await unsentNotes(later.id)).toEqual(['Plan'])
  expect((await keptNotes(later.id)).map(({ title }) => title)).toEqual(['Plan'])
  expect(await unsentNotes(gil.id)).toEqual([])
  expect((await rows(gil)).notes).toEqual([])
})

test('a note that both have is one note; of another history it is set aside', async () => {
  const [gil, later] = [guest(), account()]
  for (const user of [gil, later]) await writes(user, 'shared', 'first', 'Shared')
  await writes(gil, 'rewritten', 'first', 'Old')
  await writes(later, 'rewritten', 'second', 'New')
  entering(gil)
  await arrived(later)
  const { notes, updates, aside } = await rows(later)
  expect(notes?.map(({ document, epoch }) => [document, epoch])).toEqual([['rewritten', 'second'], ['shared', 'first']])
  expect(updates?.filter(({ document }) => document === 'shared').map(({ mine }) => mine)).toEqual([true, false, true])
  expect(updates?.filter(({ document }) => document === 'rewritten')).toHaveLength(1)
  expect(aside?.map(({ document, updates: held }) => [document, held?.length])).toEqual([['rewritten', 2]])
})

test('who signs up stays who they are, and who was refused stays a guest', async () => {
  const gil = guest()
  await writes(gil, 'a', 'first', 'Plan')
  entering(gil)
  await arrived({ ...gil, guest: false })
  expect(await unsentNotes(gil.id)).toEqual(['Plan'])
  entering(gil)
  stayed()
  const somebody = account()
  await arrived(somebody)
  expect(await unsentNotes(somebody.id)).toEqual([])
  expect(await unsentNotes(gil.id)).toEqual(['Plan'])
})
