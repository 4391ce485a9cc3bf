/** What is true about the text, and the words for it. Pure: facts in, words out. */

export interface Facts {
  /** The server lets us into the document at this moment. */
  joined: boolean
  /** May this person write? */
  mayWrite: boolean
  /** Edits that the server has not acknowledged. */
  edits: number
  /** IndexedDB has confirmed every one of them. */
  kept: boolean
  /** Milliseconds since the first of them was made. */
  waiting: number
  /** Milliseconds since the connection was lost. */
  away: number
  /** Why the server did not take an edit; null: it did not refuse one. */
  refused: string | null
}

export interface Status {
  state: 'saved' | 'saving' | 'offline' | 'reconnecting' | 'failed' | 'readonly'
  words: string
  actions: ('copy' | 'retry')[]
}

/** Most edits are saved sooner than this: saying so would only flicker. */
export const PATIENCE = 300
/** A link that is back within this time is not worth the word offline. */
export const SHORT = 4000

const said = (state: Status['state'], words: string, ...actions: Status['actions']): Status => ({ state, words, actions })

/** It follows the edits, not the link: only what is nowhere but here can make it worry. */
export function statusOf(facts: Facts): Status {
  const { joined, mayWrite, edits, kept, waiting, away, refused } = facts
  if (refused !== null) return said('failed', `Not saved: ${refused}`, 'copy', 'retry')
  if (joined && !edits) return mayWrite ? said('saved', 'Saved') : said('readonly', 'Read only')
  if (joined) return waiting < PATIENCE ? said('saved', 'Saved') : said('saving', 'Saving…')
  if (away < SHORT) return said('reconnecting', 'Reconnecting…')
  if (!edits) return said('offline', mayWrite ? 'Offline – all edits saved' : 'Offline – read only')
  const count = edits === 1 ? '1 edit' : `${edits} edits`
  return kept
    ? said('offline', `Offline – ${count} kept on this device, will sync`)
    : said('offline', `Offline – ${count} not saved yet`, 'copy')
}
