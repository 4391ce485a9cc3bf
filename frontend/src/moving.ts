/** A guest who signs in to an account becomes another person: what is on this device goes over to that person's database. */
import type { User } from './api'
import { STORES, answer, complete, deleteDatabase, openDatabase, within } from './database'
import type { AsideRow, NoteRow, UpdateRow } from './device'
import { moveTitles } from './kept'
import { onDevice } from './storage'

/** The id of the guest who is about to become somebody. */
const KEY = 'palimpsest.guest'

/** Before the server is asked to sign somebody in, for its answer may be lost. */
export function entering(user: User | null): void {
  if (user?.guest) onDevice.write(KEY, String(user.id))
}

/** The server said no. */
export const stayed = (): void => onDevice.forget(KEY)

/** This person is here now, in this tab: whatever they wrote as a guest is theirs before a note is opened. */
export async function arrived(user: User | null): Promise<void> {
  const guest = Number(onDevice.read(KEY))
  if (!guest || !user || user.guest) return
  try {
    // Who signs up stays who they are.
    if (guest !== user.id) await within(move(guest, user.id))
  } catch {
    // The page opens without it. It is tried again with the next page, and what lies there stays there until then.
    return
  }
  onDevice.forget(KEY)
}

async function move(guest: number, account: number): Promise<void> {
  const [from, to] = await Promise.all([openDatabase(guest), openDatabase(account)])
  try {
    const reading = from.transaction(Object.values(STORES))
    const all = <Row>(store: string) => answer(reading.objectStore(store).getAll() as IDBRequest<Row[]>)
    const [states, rows, copies] = await Promise.all([all<NoteRow>(STORES.notes), all<UpdateRow>(STORES.updates), all<AsideRow>(STORES.aside)])
    const writing = to.transaction(Object.values(STORES), 'readwrite')
    const [notes, updates, aside] = [writing.objectStore(STORES.notes), writing.objectStore(STORES.updates), writing.objectStore(STORES.aside)]
    const apart = new Set<string>()
    for (const state of states) {
      const { document } = state
      const here = (await answer(notes.get(document))) as NoteRow | undefined
      if (!here) notes.put(state)
      else if (here.epoch === state.epoch) updates.add({ document, mine: false, update: state.state } satisfies UpdateRow)
      else {
        apart.add(document)
        const made = rows.filter((row) => row.document === document).map(({ update }) => update)
        aside.add({ document, updates: [state.state, ...made] } satisfies AsideRow)
      }
    }
    for (const row of rows) if (!apart.has(row.document)) updates.add(row)
    for (const copy of copies) aside.add(copy)
    await complete(writing)
  } finally {
    from.close()
    to.close()
  }
  await deleteDatabase(guest)
  moveTitles(guest, account)
}
