import { signOut } from './api'
import { forgetBoot } from './boot'
import { forgetNotes } from './kept'
import { session } from './session.svelte'

/** Sign out, and take this person's notes off this device with them. */
export async function leave(): Promise<void> {
  const id = session.user?.id ?? null
  await signOut()
  forgetBoot()
  forgetNotes(id)
  const { clearDevice } = await import('./note')
  await clearDevice(id)
  location.assign('/')
}
