/** What somebody wants back, as a view of the note. */
import type { Change } from './changes'
import { drawnElement, drawnText, type Drawn } from './drawn'
import { Fitting } from './fitting'
import { plainOf } from './plain'
import { CHILD, TEXT, type Strand } from './strand'
import { Limited, Limits, Moment, Undone, type View } from './views'
import type { Weave } from './weave'

export type Wanted =
  /** The whole note as it was at this entry. */
  | { to: number }
  /** Only these blocks, as they were drawn; or the title. */
  | { to: number; elements: readonly HTMLElement[] }
  /** Only what is selected of what was drawn. */
  | { to: number; selection: Range }
  /** Without this change. */
  | { change: Change }
  /** Without what one person did among these entries, `after` and `until` as in the request for them. */
  | { user: number | null; after: number; until: number }

export const viewOf = (weave: Weave, what: Wanted): View => new Fitting(asked(weave, what), new Moment(weave.head))

/** Whether it fits the schema or not. */
export function asked(weave: Weave, what: Wanted): View {
  const head = new Moment(weave.head)
  if ('change' in what) {
    const { user, first, last, limits } = what.change
    return limited(new Undone(done(weave, user, first, last)), head, limits)
  }
  if (!('to' in what)) return new Undone(done(weave, what.user, what.after + 1, what.until))
  const then = new Moment(weave.momentOf(what.to))
  if (!('elements' in what) && !('selection' in what)) return then
  const limits = found.get(what) ?? new Limits()
  if (!found.has(what)) {
    if ('elements' in what) for (const element of what.elements) addBlock(weave, limits, strandOf(element))
    else addSelection(weave, limits, what.selection)
    found.set(what, limits)
  }
  return limited(then, head, limits)
}

/** A selection is lost when something else is drawn: what was wanted once is known. */
const found = new WeakMap<Wanted, Limits>()

function limited(inside: View, outside: View, limits: Limits): View {
  limits.settle()
  return new Limited(inside, outside, limits)
}

/** The groups of one person that have one of these entries. */
function done(weave: Weave, user: number | null, first: number, last: number): (group: number) => boolean {
  const groups = Uint8Array.from(weave.steps, (step) => Number(step.user === user && step.last >= first && step.first <= last))
  return (group) => groups[group] === 1
}

/** A drawn element, or the box that initials share with it. */
function strandOf(element: HTMLElement): Strand {
  const inner = [element, ...element.children].find((some) => drawnElement.has(some))
  const strand = inner && drawnElement.get(inner)
  if (!strand) throw new Error(`expected an element that was drawn, got <${element.tagName.toLowerCase()} class="${element.className}">`)
  return strand
}

/** A block as a whole, and what it has become since: another kind of block with its words in it. */
function addBlock(weave: Weave, limits: Limits, block: Strand): void {
  const seen = new Set<Strand>()
  for (let some: Strand | null = block; some && !seen.has(some); some = successor(weave, some)) seen.add(some)
  // Ranges of a strand are added in its order.
  for (const strand of [...seen].sort((a, b) => a.unit - b.unit)) limits.addWhole(strand)
}

/** The block that took the place of this one: it came with the group that took this one away, next to it, and had its words. */
function successor({ steps }: Weave, block: Strand): Strand | null {
  const { parent } = block
  if (!parent) return null
  const at = parent.pieceAt(block.unit)
  const group = parent.deleted[at] as number
  if (group > steps.length) return null
  const [before, after] = [new Moment(group), new Moment(group + 1)]
  for (const direction of [-1, 1])
    for (let piece = at + direction; piece >= 0 && piece < parent.count && !before.has(parent, piece); piece += direction) {
      if (parent.inserted[piece] !== group || parent.kind[piece] !== CHILD) continue
      const other = parent.child(piece)
      if (plainOf(other, after) === plainOf(block, before)) return other
    }
  return null
}

/** Blocks whose words are all selected count as a whole; of others, the words. */
function addSelection(weave: Weave, limits: Limits, range: Range): void {
  const root = range.commonAncestorContainer
  const around = root.nodeType === Node.TEXT_NODE ? (root.parentNode as Node) : root
  const units = new Map<Strand, [from: number, to: number]>()
  const blocks = new Set<Strand>()
  const walker = document.createTreeWalker(around, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT)
  for (let node: Node | null = walker.currentNode; node; node = walker.nextNode()) {
    const strand = drawnElement.get(node)
    if (strand?.parent && covers(range, node)) blocks.add(strand)
    const drawn = drawnText.get(node)
    if (!drawn || !range.intersectsNode(node)) continue
    const length = node.textContent?.length ?? 0
    const start = range.startContainer === node ? range.startOffset : 0
    const end = range.endContainer === node ? range.endOffset : length
    if (start >= end) continue
    const [from, to] = [unitAt(drawn, start), unitAt(drawn, end - 1) + 1]
    const known = units.get(drawn.strand)
    units.set(drawn.strand, known ? [Math.min(known[0], from), Math.max(known[1], to)] : [from, to])
  }
  const isIn = (strand: Strand | null): boolean => !!strand && (blocks.has(strand) || isIn(strand.parent))
  const tops = [...blocks].filter(({ parent }) => !isIn(parent)).sort((a, b) => a.unit - b.unit)
  for (const block of tops) addBlock(weave, limits, block)
  for (const [strand, [from, to]] of units) if (!isIn(strand)) limits.add(strand, from, to)
}

/** Is all of an element selected? A selection hardly ever begins outside of the first block: its texts count. */
function covers(range: Range, element: Node): boolean {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
  const texts: Node[] = []
  while (walker.nextNode()) if (drawnText.has(walker.currentNode)) texts.push(walker.currentNode)
  const [first, last] = [texts[0], texts.at(-1)]
  const inner = document.createRange()
  inner.selectNode(element)
  if (first && last) {
    inner.setStart(first, 0)
    inner.setEnd(last, last.textContent?.length ?? 0)
  }
  return range.compareBoundaryPoints(Range.START_TO_START, inner) <= 0 && range.compareBoundaryPoints(Range.END_TO_END, inner) >= 0
}

/** The unit of the character at `offset` of a drawn text. */
export function unitAt({ strand, first, last, shown, skip }: Drawn, offset: number): number {
  const end = strand.unitOf(last)
  let rest = skip + offset
  for (let unit = strand.unitOf(first), piece = strand.pieceAt(unit); unit <= end; piece++) {
    const next = strand.start[piece + 1] as number
    if (strand.kind[piece] === TEXT && shown(piece)) {
      if (rest < next - unit) return unit + rest
      rest -= next - unit
    }
    unit = next
  }
  throw new Error(`expected an offset in a text that was drawn, got ${offset}`)
}
