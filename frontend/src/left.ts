import { Device } from './device'
import { textOfUpdates } from './text'

/** What this device has of a note that the server does not show to this person (any more). */
export interface Left {
  /** Edits that the server may never have got. */
  edits: number
  /** Of the note with them, and of copies that were set aside. */
  text: string
  /** Nothing of the note stays on this device. */
  forget(): Promise<void>
}

/** null: nothing that is not on the server as well. */
export async function leftOf(userId: number | null, documentId: string): Promise<Left | null> {
  const open = () => new Device(userId, documentId, () => undefined, () => null)
  const device = open()
  const found = await device.open()
  const copies = await device.aside()
  await device.close()
  const edits = found?.edits.length ?? 0
  if (found && edits) copies.push(found.updates)
  if (!copies.length) return null
  return {
    edits,
    text: copies.map(textOfUpdates).join('\n\n'),
    async forget() {
      const again = open()
      await again.open()
      await again.forget()
      await again.close()
    },
  }
}
