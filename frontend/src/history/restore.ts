/** The edit that makes of a note what a view shows: nothing is touched that is as it should be. */
import * as Y from 'yjs'
import { missing } from '../nodes'
import { BODY, TITLE } from '../schema'
import { Formats, sameValue } from './formats'
import { CHILD, FORMAT, TEXT, type Strand } from './strand'
import { Moment, type View } from './views'
import type { Weave } from './weave'

/** An edit, with how many characters it inserts and deletes. Merge it into the live doc: what others wrote meanwhile stays. */
export interface Restored { update: Uint8Array; inserted: number; deleted: number }

/** Null: the note is as `wanted` already. */
export function restored(weave: Weave, wanted: View): Restored | null {
  const fork = new Y.Doc()
  fork.transact((transaction) => {
    Y.applyUpdate(fork, Y.encodeStateAsUpdate(weave.doc))
    // As in the weave: nothing is tidied up.
    transaction.local = true
  })
  let update: Uint8Array | null = null
  fork.on('update', (bytes: Uint8Array) => (update = bytes))
  const editor = new Restorer(new Moment(weave.head), wanted)
  fork.transact(() => {
    editor.text(weave.title, fork.getText(TITLE))
    editor.body(weave.body, fork.getXmlFragment(BODY))
  })
  fork.destroy()
  return update && { update, inserted: editor.inserted, deleted: editor.deleted }
}

type Type = Y.XmlElement | Y.XmlText
/** What becomes of a child. `isAlike`: it stays instead of one that is wanted and reads the same. */
interface Fate { strand: Strand; is: boolean; will: boolean; isAlike?: boolean }

class Restorer {
  inserted = 0
  deleted = 0

  constructor(private readonly present: View, private readonly wanted: View) {}

  /** The schema wants a block in it: where nothing else is left, an empty line stays or comes. Else each open editor would put one there. */
  body(strand: Strand, body: Y.XmlFragment): void {
    const fates = this.fates(strand)
    const line = fates.some(({ will }) => will) ? undefined : fates.find(({ strand: block }) => this.isEmptyLine(block))
    if (line) line.will = line.isAlike = true
    const was = body.length
    this.follow(fates, body)
    if (was && !body.length) body.insert(0, missing('doc', []))
  }

  private isEmptyLine(block: Strand): boolean {
    if (block.name !== 'paragraph') return false
    for (let piece = 0; piece < block.count; piece++)
      if (this.present.has(block, piece) && (block.kind[piece] !== CHILD || block.child(piece).name !== null || lengthOf(block.child(piece), this.present))) return false
    return true
  }

  private children(strand: Strand, parent: Y.XmlElement): void {
    this.follow(this.fates(strand), parent)
  }

  private follow(fates: readonly Fate[], parent: Y.XmlFragment | Y.XmlElement): void {
    const types = parent.toArray() as Type[]
    let at = 0
    let index = 0
    for (const { strand: child, is, will, isAlike } of fates) {
      const type = is ? types[at++] : undefined
      if (type && will) {
        if (!isAlike && type instanceof Y.XmlText) this.text(child, type)
        else if (!isAlike && type instanceof Y.XmlElement) this.element(child, type)
        index += 1
      } else if (type) {
        this.deleted += lengthOf(child, this.present)
        parent.delete(index, 1)
      } else {
        parent.insert(index, [this.copy(child)])
        index += 1
      }
    }
  }

  /** What becomes of each child. */
  private fates(strand: Strand): Fate[] {
    const fates: Fate[] = []
    for (let piece = 0; piece < strand.count; piece++) {
      if (strand.kind[piece] !== CHILD) continue
      const is = this.present.has(strand, piece)
      const will = this.wanted.has(strand, piece) && (is || canCopy(strand.child(piece)))
      if (is || will) fates.push({ strand: strand.child(piece), is, will })
    }
    return this.spared(fates)
  }

  /** Where one would go and one that reads the same would come, the one that is there stays. */
  private spared(fates: Fate[]): Fate[] {
    const out: Fate[] = []
    const going: Fate[] = []
    const coming: Fate[] = []
    const settle = () => {
      const look = (some: Fate[], view: View) => (going.length && coming.length ? some.map(({ strand }) => this.look(strand, view)) : [])
      const [now, then] = [look(going, this.present), look(coming, this.wanted)]
      let next = 0
      then.forEach((wanted, at) => {
        const same = now.indexOf(wanted, next)
        if (same < 0) return
        out.push(...going.slice(next, same), ...coming.splice(0, at - (then.length - coming.length)), { strand: (going[same] as Fate).strand, is: true, will: true, isAlike: true })
        coming.shift()
        next = same + 1
      })
      out.push(...going.slice(next), ...coming)
      going.length = coming.length = 0
    }
    for (const fate of fates) {
      if (fate.is && fate.will) {
        settle()
        out.push(fate)
      } else (fate.is ? going : coming).push(fate)
    }
    settle()
    return out
  }

  /** How a view sees a strand, in a form that can be compared. */
  private look(strand: Strand, view: View): string {
    if (strand.name === null) return JSON.stringify(runsOf(strand, view))
    const attributes = [...view.attributes(strand)].map(([key, { value }]) => [key, value]).sort()
    const children: string[] = []
    for (let piece = 0; piece < strand.count; piece++)
      if (strand.kind[piece] === CHILD && view.has(strand, piece)) children.push(this.look(strand.child(piece), view))
    return JSON.stringify([strand.name, attributes, children])
  }

  private element(strand: Strand, element: Y.XmlElement): void {
    const present = this.present.attributes(strand)
    const wanted = this.wanted.attributes(strand)
    for (const [key, { value }] of wanted) if (!present.has(key) || !sameValue(present.get(key)?.value, value)) element.setAttribute(key, value as string)
    for (const key of present.keys()) if (!wanted.has(key)) element.removeAttribute(key)
    this.children(strand, element)
  }

  text(strand: Strand, text: Y.Text): void {
    const delta = new Delta()
    const now = new Formats(strand, this.present)
    const then = new Formats(strand, this.wanted)
    for (let piece = 0; piece < strand.count; piece++) {
      if (strand.kind[piece] === FORMAT) {
        now.pass(piece)
        then.pass(piece)
        continue
      }
      const is = this.present.has(strand, piece)
      const will = this.wanted.has(strand, piece)
      const [from, to] = [strand.start[piece] as number, strand.start[piece + 1] as number]
      if (is && will) delta.retain(to - from, differing(now.attributesAt(piece), then.attributesAt(piece)))
      else if (is) delta.delete(strand.text.slice(from, to), now.attributesAt(piece))
      else if (will && strand.kind[piece] === TEXT) delta.insert(strand.text.slice(from, to), then.attributesAt(piece))
    }
    delta.end()
    if (!delta.changes) return
    this.inserted += delta.inserted
    this.deleted += delta.deleted
    text.applyDelta(delta.operations)
  }

  /** A new type that holds what is wanted of a strand that is gone. */
  private copy(strand: Strand): Type {
    if (strand.name === null) {
      const text = new Y.XmlText()
      const runs = runsOf(strand, this.wanted)
      this.inserted += runs.reduce((sum, { insert }) => sum + insert.length, 0)
      text.applyDelta(runs)
      return text
    }
    const element = new Y.XmlElement(strand.name)
    for (const [key, { value }] of this.wanted.attributes(strand)) element.setAttribute(key, value as string)
    const children: Strand[] = []
    for (let piece = 0; piece < strand.count; piece++)
      if (strand.kind[piece] === CHILD && this.wanted.has(strand, piece) && canCopy(strand.child(piece))) children.push(strand.child(piece))
    element.insert(0, [...missing(strand.name, children), ...children.map((child) => this.copy(child))])
    return element
  }
}

/** Types that are not of the editor's making are not made anew. */
const canCopy = ({ name }: Strand) => name !== 'unknown'

/** How many characters a view shows in a strand. */
function lengthOf(strand: Strand, view: View): number {
  let length = 0
  for (let piece = 0; piece < strand.count; piece++) {
    if (!view.has(strand, piece)) continue
    if (strand.kind[piece] === TEXT) length += (strand.start[piece + 1] as number) - (strand.start[piece] as number)
    else if (strand.kind[piece] === CHILD) length += lengthOf(strand.child(piece), view)
  }
  return length
}

/** What must be set, or unset (null), to come from some formats to others; undefined: nothing. */
function differing(now: Record<string, unknown>, then: Record<string, unknown>): Record<string, unknown> | undefined {
  const changes = Object.entries(then).filter(([key, value]) => !sameValue(now[key], value))
  for (const key of Object.keys(now)) if (!(key in then)) changes.push([key, null])
  return changes.length ? Object.fromEntries(changes) : undefined
}

interface Run { insert: string; attributes: Record<string, unknown> }

/** A text as a view shows it: what is formatted alike is one run. */
function runsOf(strand: Strand, view: View): Run[] {
  const runs: Run[] = []
  const formats = new Formats(strand, view)
  for (let piece = 0; piece < strand.count; piece++) {
    if (strand.kind[piece] === FORMAT) formats.pass(piece)
    else if (strand.kind[piece] === TEXT && view.has(strand, piece)) append(runs, strand.text.slice(strand.start[piece], strand.start[piece + 1]), formats.attributesAt(piece))
  }
  return runs
}

function append(runs: Run[], insert: string, attributes: Record<string, unknown>): void {
  const last = runs.at(-1)
  if (last && sameFormats(last.attributes, attributes)) last.insert += insert
  else runs.push({ insert, attributes: Object.fromEntries(Object.entries(attributes).sort()) })
}

const sameFormats = (a: Record<string, unknown>, b: Record<string, unknown>) => !differing(a, b)

type Operation = { retain: number; attributes?: Record<string, unknown> } | { insert: string; attributes: Record<string, unknown> } | { delete: number }

/** Operations on a text. What is deleted and inserted in one place and has a beginning or an end in common keeps that. */
class Delta {
  readonly operations: Operation[] = []
  /** Does it change anything? */
  changes = false
  /** How many units it inserts and deletes. */
  inserted = 0
  deleted = 0
  private going: Run[] = []
  private coming: Run[] = []

  retain(length: number, attributes: Record<string, unknown> | undefined): void {
    this.end()
    this.keep(length, attributes)
  }

  insert(text: string, attributes: Record<string, unknown>): void {
    append(this.coming, text, attributes)
  }

  delete(text: string, attributes: Record<string, unknown>): void {
    append(this.going, text, attributes)
  }

  /** Nothing follows here. */
  end(): void {
    const before = common(this.going, this.coming, 'start')
    const after = common(this.going, this.coming, 'end')
    this.keep(before, undefined)
    const length = this.going.reduce((sum, { insert }) => sum + insert.length, 0)
    if (length) this.operations.push({ delete: length })
    this.operations.push(...this.coming)
    this.deleted += length
    this.inserted += this.coming.reduce((sum, { insert }) => sum + insert.length, 0)
    this.changes ||= length > 0 || this.coming.length > 0
    this.keep(after, undefined)
    this.going = []
    this.coming = []
  }

  private keep(length: number, attributes: Record<string, unknown> | undefined): void {
    if (!length) return
    const last = this.operations.at(-1)
    if (attributes) this.changes = true
    if (last && 'retain' in last && sameFormats(last.attributes ?? {}, attributes ?? {})) last.retain += length
    else this.operations.push(attributes ? { retain: length, attributes } : { retain: length })
  }
}

/** Take off what both have in common at one end; how many units that was. Characters stay whole. */
function common(some: Run[], others: Run[], end: 'start' | 'end'): number {
  let length = 0
  for (;;) {
    const at = end === 'start' ? 0 : -1
    const [a, b] = [some.at(at), others.at(at)]
    if (!a || !b || !sameFormats(a.attributes, b.attributes)) return length
    const [x, y] = [[...a.insert], [...b.insert]]
    if (end === 'end') [x, y].forEach((list) => list.reverse())
    let same = 0
    while (same < x.length && x[same] === y[same]) same++
    const units = x.slice(0, same).join('').length
    if (!units) return length
    length += units
    for (const [list, run] of [[some, a], [others, b]] as const) {
      run.insert = end === 'start' ? run.insert.slice(units) : run.insert.slice(0, run.insert.length - units)
      if (!run.insert) list.splice(list.indexOf(run), 1)
    }
  }
}
