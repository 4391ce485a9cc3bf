/** What is drawn where: from the page back to the note. */
import type { Id, Strand } from './strand'

/**
 * What a text node shows: characters of a strand, from the one with the id `first` to the one with the id `last`, of those pieces that
 * are `shown`, but for as many at its beginning as `skip` says.
 */
export interface Drawn { strand: Strand; first: Id; last: Id; shown: (piece: number) => boolean; skip: number }

/** Where pieces are drawn: each text node holds units of one strand, each element is one. */
export const drawnText = new WeakMap<Node, Drawn>()
export const drawnElement = new WeakMap<Node, Strand>()
