import { signOut } from './api'
import { forgetBoot } from './boot'

/** Sign out, and take this person's name off this device with them. */
export async function leave(): Promise<void> {
  await signOut()
  forgetBoot()
  location.assign('/')
}
