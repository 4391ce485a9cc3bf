import { signOut } from './api'
import { forgetBoot } from './boot'
import { deleteDatabase, within } from './database'
import { forgetNotes, unsentNotes } from './kept'
import { stayed } from './moving'
import { session } from './session.svelte'
import { shell } from './shell.svelte'

/** An edit that the server has just taken lies on the device a little longer, in milliseconds. */
const TIDIED_WITHIN = 3000

const pause = (time: number) => new Promise((resolve) => setTimeout(resolve, time))

/** Sign out, and take this person's notes off this device with them. Asks first when edits would go that are nowhere else. */
export async function leave(anyway = false): Promise<void> {
  const id = session.user?.id ?? null
  if (!anyway && (await unsentNotes(id)).length) {
    await pause(TIDIED_WITHIN)
    shell.unsent = await unsentNotes(id)
    if (shell.unsent.length) return
  }
  // First what lies here: whatever becomes of the answer, and of this page, the next person at this device finds nothing.
  forgetNotes(id)
  forgetBoot()
  stayed()
  await clear(id)
  await signOut()
  location.assign('/')
}

async function clear(id: number | null): Promise<void> {
  try {
    await within(deleteDatabase(id))
  } catch {
    // A browser that refuses its storage has kept nothing there; one that is slow to answer goes on while we sign out.
  }
}
