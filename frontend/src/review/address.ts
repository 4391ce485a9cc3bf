/** Which of the note's pages an address is: the note, its history, or who wrote it. */

/** Moments are entries of the log. `to` null: now, and what is still written. */
export type Place =
  | { kind: 'note' }
  | { kind: 'history'; view: View | null }
  | { kind: 'who' }

/** What is looked at: the note as it was at one moment, or what became of it between two. */
export type View = { kind: 'moment'; at: number } | { kind: 'range'; from: number; to: number | null }

export type Where = Pick<Location, 'pathname' | 'search'>

const numberIn = (query: URLSearchParams, name: string) => {
  const text = query.get(name)
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null // one that there is not is for `nearest`
}

export function placeOf({ pathname, search }: Where): Place {
  const page = pathname.split('/')[3]
  if (page === 'who') return { kind: 'who' }
  if (page !== 'history') return { kind: 'note' }
  const query = new URLSearchParams(search)
  const [at, from, to] = ['at', 'from', 'to'].map((name) => numberIn(query, name)) as [number | null, number | null, number | null]
  // A moment beside a `from` is where that leads to: somebody wants both.
  const [begin, end] = [from, to ?? at]
  // A range that ends before it begins is read the other way round: both moments are there to be compared.
  if (begin !== null) return { kind: 'history', view: end !== null && end < begin ? { kind: 'range', from: end, to: begin } : { kind: 'range', from: begin, to: end } }
  return { kind: 'history', view: at === null ? null : { kind: 'moment', at } }
}

/** A moment is asked for that is no number: the address says nothing of what to look at. */
export const isUnreadable = ({ search }: Pick<Where, 'search'>): boolean => {
  const query = new URLSearchParams(search)
  return ['at', 'from', 'to'].some((name) => query.has(name) && numberIn(query, name) === null)
}

export function addressOf(documentId: string, place: Place): string {
  const note = `/n/${encodeURIComponent(documentId)}`
  if (place.kind === 'note') return note
  if (place.kind === 'who') return `${note}/who`
  const { view } = place
  if (!view) return `${note}/history`
  if (view.kind === 'moment') return `${note}/history?at=${view.at}`
  return `${note}/history?from=${view.from}${view.to === null ? '' : `&to=${view.to}`}`
}
