import { untrack } from 'svelte'

/** The parts of the shell that any page may open or speak through. */

export interface Toast {
  words: string
  /** A button in it, such as Undo. */
  act?: { label: string; run: () => void }
}

class Shell {
  dialog = $state<'palette' | 'help' | null>(null)
  /** Signing out waits for an answer: the titles of the notes whose edits it would take along. */
  unsent = $state.raw<string[]>([])
  toast = $state.raw<Toast | null>(null)
  /** Read out when the reader pauses, and at once. */
  polite = $state('')
  urgent = $state('')
  /** The page's own answers to commands. */
  share = $state.raw<(() => void) | null>(null)
  link = $state.raw<(() => void) | null>(null)
  history = $state.raw<(() => void) | null>(null)
  who = $state.raw<(() => void) | null>(null)
  /** Gives the note a name as it is now, or as it is looked at. */
  nameVersion = $state.raw<(() => void) | null>(null)
}

export const shell = new Shell()

export function toast(words: string, act?: Toast['act']): void {
  shell.toast = act ? { words, act } : { words }
}

/** The same words twice in a row are two changes of the live region; who speaks does not depend on what was said. */
const again = (words: string, said: () => string) => (untrack(said) === words ? `${words}\u00a0` : words)

/** Tell those who listen to the page instead of seeing it. */
export function say(words: string): void {
  shell.polite = again(words, () => shell.polite)
}

export function alertAloud(words: string): void {
  shell.urgent = again(words, () => shell.urgent)
}
