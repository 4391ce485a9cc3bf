import type { Trouble } from '../trouble'

/** Whoever is not let into the note may not read on in its past either: the note says why. */
export const putsOut = ({ kind, closed }: Pick<Trouble, 'kind' | 'closed'>): boolean => closed || kind === 'sign-in' || kind === 'not-found' || kind === 'denied'
