export type View = 'all' | 'shared' | 'bin'

/** The three ways to look at the notes. */
export const views: { id: View; words: string; short: string; path: string }[] = [
  { id: 'all', words: 'All notes', short: 'All', path: '/' },
  { id: 'shared', words: 'Shared with me', short: 'Shared with me', path: '/?view=shared' },
  { id: 'bin', words: 'Bin', short: 'Bin', path: '/?view=bin' },
]

export function viewOf(search: string): View {
  const wanted = new URLSearchParams(search).get('view')
  return views.find(({ id }) => id === wanted)?.id ?? 'all'
}
