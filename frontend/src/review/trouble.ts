import { ApiError } from '../api'
import { messageOf } from '../problems'
import { session } from '../session.svelte'

/** Why there is nothing to see, in words. `denied`: it is not for this person. */
export interface Trouble { words: string; denied: boolean }

export function troubleOf(error: unknown): Trouble {
  const denied = error instanceof ApiError && error.status === 403
  const { owner } = session.boot.document ?? {}
  const words = denied
    ? `${owner?.name ?? 'Whoever owns this note'} keeps its history to those who were given it. Ask for a link that shows the history.`
    : error instanceof ApiError && error.offline
      ? 'The history of a note is on the server, which does not answer. What you write meanwhile is kept.'
      : error instanceof ApiError
        ? messageOf(error)
        : 'The history of this note could not be read. The note itself is not touched by that.'
  return { words, denied }
}
