import { signOut } from './api'
import { forgetBoot } from './boot'
import { forgetNotes, unsentNotes } from './kept'
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
  await signOut()
  forgetBoot()
  forgetNotes(id)
  const { clearDevice } = await import('./note')
  await clearDevice(id)
  location.assign('/')
}
