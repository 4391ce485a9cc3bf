import { inTab } from './storage'

const KEY = 'palimpsest.binned'

/** A note was put into the bin from its own page: the list, which opens next, offers to undo it. */
export const binned = {
  remember(id: string): void {
    inTab.write(KEY, id)
  },
  /** The id, once. */
  take(): string | null {
    const id = inTab.read(KEY)
    inTab.forget(KEY)
    return id
  },
}
