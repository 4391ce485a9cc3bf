/** What is true about the text, and the words for it. Pure: facts in, words out. */

export interface Facts {
  /** The server lets us into the document at this moment. */
  joined: boolean
  mayWrite: boolean
  /** Edits that the server has not acknowledged, and how many of them IndexedDB has confirmed. */
  edits: number
  kept: number
  /** The device takes nothing: what is not acknowledged is only in this tab. */
  broken: boolean
  /** Milliseconds since the oldest of the edits was made. */
  waiting: number
  /** Milliseconds since we were last in the document. */
  away: number
  /** Why edits are not taken, or why we are out of the document; null: nothing was refused. */
  refused: string | null
}

/** What the one fixed place says about the text. */
export interface Status {
  state: 'saved' | 'saving' | 'offline' | 'reconnecting' | 'failed' | 'readonly'
  words: string
  /** Whether the server has yet to acknowledge an edit, also where that is too quick to be worth a word. */
  pending: boolean
  /** Whether Copy text and Retry belong beside it. */
  actions: ('copy' | 'retry')[]
}

/** Most edits are saved sooner than this, and most lost links are back: saying so would only flicker. In milliseconds. */
export const PATIENCE = 300
export const BLINK = 1000
/** A link that comes back within this time is not worth the word offline. */
export const SHORT = 4000

type Said = Omit<Status, 'pending'>

const said = (state: Status['state'], words: string, ...actions: Status['actions']): Said => ({ state, words, actions })

const count = (edits: number) => (edits === 1 ? '1 edit' : `${edits} edits`)

/** It follows the edits, not the link: only what is nowhere but here can make it worry. */
export function statusOf(facts: Facts): Status {
  return { ...saidOf(facts), pending: facts.edits > 0 }
}

function saidOf(facts: Facts): Said {
  const { joined, mayWrite, edits, kept, broken, waiting, away, refused } = facts
  if (edits && refused !== null) return said('failed', `Not saved: ${refused}`, 'copy', 'retry')
  if (!mayWrite && (joined || refused !== null)) return said('readonly', 'Read only')
  if (joined || (!edits && away < BLINK)) {
    const quick = !edits || waiting < PATIENCE
    return quick ? said(mayWrite ? 'saved' : 'readonly', mayWrite ? 'Saved' : 'Read only') : said('saving', 'Saving…')
  }
  if (away < SHORT) return said('reconnecting', 'Reconnecting…')
  if (!edits) return said('offline', mayWrite ? 'Offline – all edits saved' : 'Offline – read only')
  if (broken) return said('offline', `Offline – ${count(edits)} only in this tab, keep it open`, 'copy')
  // The youngest may not have reached the device yet; what is said is true of those that have.
  return kept ? said('offline', `Offline – ${count(kept)} kept on this device, will sync`) : said('offline', `Offline – ${count(edits)} not saved yet`)
}

/** After how many milliseconds time alone makes these facts say something else; null: never. */
export function nextChange({ joined, edits, waiting, away }: Facts): number | null {
  const ends = joined ? (edits ? [PATIENCE - waiting] : []) : [BLINK - away, SHORT - away]
  const ahead = ends.filter((end) => end > 0)
  return ahead.length ? Math.min(...ahead) : null
}
