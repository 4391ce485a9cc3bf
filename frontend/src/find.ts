const plain = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** Every word of `query` occurs in one of the `texts`; case and accents do not matter. */
export function matches(query: string, ...texts: string[]): boolean {
  const searched = plain(texts.join('\n'))
  return plain(query).split(/\s+/).every((word) => searched.includes(word))
}

export interface Piece { text: string; hit: boolean }

/** `text` in pieces, those that `query` found are marked. */
export function pieces(text: string, query: string): Piece[] {
  const wanted = query.trim().toLowerCase()
  const lower = text.toLowerCase()
  // A letter whose lower case is longer would shift every place after it: then nothing is marked.
  if (!wanted || lower.length !== text.length) return [{ text, hit: false }]
  const found: Piece[] = []
  let from = 0
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) found.push({ text: text.slice(from, at), hit: false })
    from = at + wanted.length
    found.push({ text: text.slice(at, from), hit: true })
  }
  if (from < text.length) found.push({ text: text.slice(from), hit: false })
  return found
}
