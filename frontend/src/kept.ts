import { STORES, answer, openDatabase } from './database'
import { onDevice } from './storage'

/** A note that can be opened on this device without a network. */
export interface KeptNote { id: string; title: string; updated: number }

const MOST = 200
const keyOf = (userId: number | null) => `palimpsest.notes.${userId ?? 'reader'}`

function remembered(userId: number | null): KeptNote[] {
  return JSON.parse(onDevice.read(keyOf(userId)) ?? '[]') as KeptNote[]
}

/** The device has a note's text under its id: remember what the note is called, newest first. */
export function rememberNote(userId: number | null, note: KeptNote): void {
  const others = remembered(userId).filter(({ id }) => id !== note.id)
  onDevice.write(keyOf(userId), JSON.stringify([note, ...others].slice(0, MOST)))
}

/** Whether this note was ever opened on this device, as far as it is remembered. */
export const isRemembered = (userId: number | null, id: string): boolean => remembered(userId).some((note) => note.id === id)

/** What one person's notes are called goes over to another, who they have become. */
export function moveTitles(from: number, to: number): void {
  for (const note of remembered(from).reverse()) rememberNote(to, note)
  forgetNotes(from)
}

/** The titles of the notes with edits on this device that the server may not have yet. */
export async function unsentNotes(userId: number | null): Promise<string[]> {
  let database: IDBDatabase
  try {
    database = await openDatabase(userId)
  } catch {
    // Nothing can be kept on this device, so nothing waits on it.
    return []
  }
  try {
    const rows: { document: string; mine: boolean }[] = await answer(database.transaction(STORES.updates).objectStore(STORES.updates).getAll())
    const ids = new Set(rows.filter(({ mine }) => mine).map(({ document }) => document))
    const titles = new Map(remembered(userId).map(({ id, title }) => [id, title]))
    return [...ids].map((id) => titles.get(id) || 'Untitled')
  } finally {
    database.close()
  }
}

/** Whether there is anything of this note on the device that the server may not have. */
export async function isUnsent(userId: number | null, document: string): Promise<boolean> {
  const database = await openDatabase(userId)
  try {
    const transaction = database.transaction([STORES.updates, STORES.aside])
    const of = <Row>(store: string) => answer(transaction.objectStore(store).index('document').getAll(document) as IDBRequest<Row[]>)
    const [rows, copies] = await Promise.all([of<{ mine: boolean }>(STORES.updates), of<unknown>(STORES.aside)])
    return copies.length > 0 || rows.some(({ mine }) => mine)
  } finally {
    database.close()
  }
}

export function forgetNotes(userId: number | null): void {
  onDevice.forget(keyOf(userId))
  onDevice.forget(looksOf(userId))
}

const looksOf = (userId: number | null) => `palimpsest.looked.${userId ?? 'reader'}`
const looks = (userId: number) => JSON.parse(onDevice.read(looksOf(userId)) ?? '{}') as Record<string, number>

/** Up to which entry this person has looked at a note without the server knowing it; 0: it knows. */
export const untoldLook = (userId: number, document: string): number => looks(userId)[document] ?? 0

export function rememberLook(userId: number, document: string, seq: number): void {
  onDevice.write(looksOf(userId), JSON.stringify({ ...looks(userId), [document]: seq }))
}

export function forgetLook(userId: number, document: string): void {
  const { [document]: _, ...others } = looks(userId)
  if (Object.keys(others).length) onDevice.write(looksOf(userId), JSON.stringify(others))
  else onDevice.forget(looksOf(userId))
}

/** The notes on this device, those opened last first. Rejects when the browser has no storage for this page. */
export async function keptNotes(userId: number | null): Promise<KeptNote[]> {
  const database = await openDatabase(userId)
  try {
    const ids = new Set(await answer(database.transaction(STORES.notes).objectStore(STORES.notes).getAllKeys()))
    return remembered(userId).filter(({ id }) => ids.has(id))
  } finally {
    database.close()
  }
}
