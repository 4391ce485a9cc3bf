import { newDocument } from './api'
import { trying } from './problems'
import { session } from './session.svelte'

/** Make a note and go there. Whoever is nobody yet goes to the first page, which asks for a name. */
export async function startNote(): Promise<void> {
  if (!session.user) return location.assign(session.boot.settings.guests ? '/?new' : '/signin?next=/?new')
  await trying(newDocument().then(({ id }) => location.assign(`/n/${id}`)))
}
