/** The text of a strand as a view shows it. */
import { CHILD, TEXT, type Strand } from './strand'
import type { View } from './views'

export function plainOf(strand: Strand, view: View): string {
  let words = ''
  for (let piece = 0; piece < strand.count; piece++) {
    if (!view.has(strand, piece)) continue
    if (strand.kind[piece] === TEXT) words += strand.text.slice(strand.start[piece], strand.start[piece + 1])
    else if (strand.kind[piece] === CHILD) words += plainOf(strand.child(piece), view)
  }
  return words
}
