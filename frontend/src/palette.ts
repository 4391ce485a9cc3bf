import type { DocumentInfo } from './api'
import { matches } from './find'
import type { IconName } from './icons'
import { keysOf } from './keys'
import { leave } from './leave'
import { withNext } from './next'
import { trying } from './problems'
import { session } from './session.svelte'
import { shell } from './shell.svelte'
import { startNote } from './start'
import { setTheme, theme, type Theme } from './theme'
import { when } from './times'

export interface PaletteRow { key: string; icon: IconName; words: string; sub?: string; keys?: string[]; run: () => void }

const MOST_NOTES = 8

/** The newest notes whose title or excerpt fits. */
export function noteRows(notes: readonly DocumentInfo[], query: string, now: number): PaletteRow[] {
  return notes
    .filter(({ title, excerpt }) => matches(query, title, excerpt))
    .slice(0, MOST_NOTES)
    .map(({ id, title, updated }) => ({
      key: id, icon: 'note', words: title || 'Untitled', sub: when(updated, now), run: () => location.assign(`/n/${id}`),
    }))
}

const looks: { value: Theme; words: string }[] = [
  { value: '', words: 'Light or dark, as the system' },
  { value: 'light', words: 'Light' },
  { value: 'dark', words: 'Dark' },
]

/** What can be done here and now. */
export function commandRows(query: string): PaletteRow[] {
  const { user } = session
  const rows: PaletteRow[] = [
    { key: 'new', icon: 'plus', words: 'New note', keys: keysOf('new'), run: () => void startNote() },
  ]
  const { share, history, who, nameVersion } = shell
  if (history) rows.push({ key: 'history', icon: 'history', words: 'History', keys: keysOf('history'), run: history })
  if (who) rows.push({ key: 'who', icon: 'people', words: 'Who wrote this', keys: keysOf('who'), run: who })
  if (nameVersion) rows.push({ key: 'name', icon: 'bookmark', words: 'Name this version…', run: nameVersion })
  if (share) rows.push({ key: 'share', icon: 'share', words: 'Share…', keys: keysOf('share'), run: share })
  rows.push({ key: 'notes', icon: 'back', words: 'All notes', run: () => location.assign('/') })
  if (user) rows.push({ key: 'settings', icon: 'settings', words: 'Settings', run: () => location.assign('/settings') })
  rows.push({ key: 'help', icon: 'keyboard', words: 'Shortcuts', keys: keysOf('help'), run: () => (shell.dialog = 'help') })
  for (const { value, words } of looks)
    if (value !== theme()) rows.push({ key: `look-${value}`, icon: 'sun', words: `Appearance: ${words}`, run: () => setTheme(value) })
  if (user && !user.guest) rows.push({ key: 'out', icon: 'door', words: 'Sign out', run: () => void trying(leave()) })
  else rows.push({ key: 'in', icon: 'door', words: 'Sign in', run: () => location.assign(withNext('/signin')) })
  return rows.filter(({ words }) => matches(query, words))
}
