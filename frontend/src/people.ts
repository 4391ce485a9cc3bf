const characters = new Intl.Segmenter('en')

/** The letter on a face: the first character as a person counts them, flags and accents whole. */
export function initial(name: string): string {
  const first = characters.segment(name.trim())[Symbol.iterator]().next()
  return first.done ? '?' : first.value.segment.toLocaleUpperCase()
}

/** "Ana", "Ana and Ben", "Ana, Ben and Chidi". */
export function namesOf(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

interface Known { id: number; name: string }

/** Who came and who went between two moments, in a sentence; '' when nobody did. */
export function comings(before: readonly Known[], now: readonly Known[]): string {
  const without = (some: readonly Known[], others: readonly Known[]) =>
    some.filter(({ id }) => !others.some((other) => other.id === id)).map(({ name }) => name)
  const came = without(now, before)
  const went = without(before, now)
  return [came.length && `${namesOf(came)} joined.`, went.length && `${namesOf(went)} left.`].filter(Boolean).join(' ')
}
