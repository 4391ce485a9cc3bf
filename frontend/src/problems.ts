import { ApiError } from './api'
import { toast } from './shell.svelte'

/** What went wrong, as a sentence to show. Anything that is not an answer of the server is our own mistake and is raised again. */
export function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) throw error
  return Object.values(error.errors).flat()[0] ?? error.message
}

/** Wait for something that a person asked for; when it fails, tell them. */
export async function trying(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    toast(messageOf(error))
  }
}
