/** Puts orphans back into the note: what somebody wrote in something that was taken away before whoever did that knew of it. */
import { Fragment } from '@tiptap/pm/model'
import * as Y from 'yjs'
import { isIn, type Ids } from './ids'
import { missing, nodesOf, typeOf } from './nodes'

export interface Orphans {
  /** They are deleted, and so is what they stood in. */
  ids: Ids
  /** What was taken away on purpose, around them and beside them. */
  taken: Ids
  /** What has come with that or since: perhaps it is what became of the things that were taken away. */
  fresh: Ids
}

/** Call it within this transaction. What takes the place of something is known to Yjs as that, for carets and for undo. */
export function adopt(transaction: Y.Transaction, orphans: Orphans): void {
  new Adoption(transaction, orphans).run()
}

type Type = Y.XmlElement | Y.XmlText
type Parent = Y.XmlElement | Y.XmlFragment
interface Run { words: string; formats: Record<string, unknown>; item: Y.Item; /** So many characters of what was taken away stood before it. */ after: number }

/** A text that came whole, and where in which element it is. */
interface Twin { text: Y.XmlText; at: number }

class Adoption {
  private readonly orphans = new Set<Y.Item>()
  /** What is gone and holds some of them. */
  private readonly around = new Set<Y.Item>()
  private links: (() => void)[] = []

  constructor(private readonly transaction: Y.Transaction, private readonly given: Orphans) {}

  run(): void {
    const { transaction, given, orphans, around } = this
    // From here on items begin and end where these ranges do.
    Y.iterateDeletedStructs(transaction, given.taken, () => undefined)
    Y.iterateDeletedStructs(transaction, given.ids, (struct) => struct instanceof Y.Item && orphans.add(struct))
    const tops = new Set<Y.Item>()
    const texts = new Set<Y.XmlText>()
    for (const orphan of orphans) {
      if (parentOf(orphan) instanceof Y.XmlText) texts.add(parentOf(orphan) as Y.XmlText)
      let item = orphan
      for (let above = parentOf(item)._item; above?.deleted; above = parentOf(item)._item) around.add((item = above))
      tops.add(item)
    }
    for (const text of texts) this.follow(text)
    for (const top of tops) this.plant(top)
  }

  /** A text that was taken away here to stand there, in a heading perhaps, or at the end of the line above: its orphans go there, too. */
  private follow(text: Y.XmlText): void {
    const { seen, runs } = this.read(text)
    const twin = seen && runs.length ? (this.againOf(text, seen) ?? this.twinOf(seen)) : null
    if (!twin) return
    for (const { words, item, after } of runs.reverse()) {
      twin.text.insert(twin.at + after, words)
      link(item, twin.text, twin.at + after)
      this.orphans.delete(item)
    }
    link(text._item, twin.text)
  }

  /** Somebody has taken the deletion back. */
  private againOf(text: Y.XmlText, words: string): Twin | null {
    let item = text._item
    while (item?.redone) item = itemAt(this.transaction.doc, item.redone)
    const again = item && !item.deleted ? typeIn(item) : null
    const at = again instanceof Y.XmlText ? wordsOf(again).indexOf(words) : -1
    return at < 0 ? null : { text: again as Y.XmlText, at }
  }

  private twinOf(words: string): Twin | null {
    const { transaction, given } = this
    const texts = new Set<Y.XmlText>()
    Y.iterateDeletedStructs(transaction, given.fresh, (struct) => {
      if (struct instanceof Y.Item && !struct.deleted && struct.content instanceof Y.ContentString && struct.parent instanceof Y.XmlText) texts.add(struct.parent)
    })
    for (const text of texts) {
      let [at, came, index] = [0, '', 0]
      for (let item: Y.Item | null = text._start; ; item = item.right) {
        const isFresh = item && (item.deleted || item.content instanceof Y.ContentFormat || isIn(given.fresh, item.id))
        if (!isFresh) {
          if (came === words) return { text, at }
          came = ''
        }
        if (!item) break
        if (item.deleted || !(item.content instanceof Y.ContentString)) continue
        if (!came) at = index
        if (isFresh) came += item.content.str
        index += item.length
      }
    }
    return null
  }

  /** What stood in a text when it was taken away: what was meant to go, and the orphans. */
  private read(text: Y.XmlText): { seen: string; runs: Run[] } {
    const runs: Run[] = []
    const formats = new Map<string, unknown>()
    let seen = ''
    for (let item = text._start; item; item = item.right) {
      const { content } = item
      const isOrphan = this.orphans.has(item)
      if (!isOrphan && !isIn(this.given.taken, item.id)) continue
      if (content instanceof Y.ContentFormat) formats.set(content.key, content.value)
      else if (!(content instanceof Y.ContentString)) continue
      else if (isOrphan) runs.push({ words: content.str, formats: Object.fromEntries([...formats].filter(([, value]) => value !== null)), item, after: seen.length })
      else seen += content.str
    }
    return { seen, runs }
  }

  /** What is left of something that is gone, put where it stood: in a shape that the schema takes there. */
  private plant(top: Y.Item): void {
    const line = this.emptyLineAt(top)
    if (line) return this.fill(line, top)
    for (let item = top; ; item = parentOf(item)._item as Y.Item) {
      const parent = parentOf(item) as Parent
      const shapes = item === top ? [() => this.whole(top), () => this.blocks(top), () => this.lines(top)] : [() => this.blocks(top), () => this.lines(top)]
      for (const shape of shapes) {
        this.links = []
        const types = shape()
        if (!types.length) return
        if (!fits(types, parent, placeOf(item))) continue
        this.insertBehind(item, types)
        for (const link of this.links) link()
        return
      }
      if (!parentOf(item)._item) throw new Error(`expected blocks that fit into a note, got what is left of ${nameOf(top)}`)
    }
  }

  /** Yjs itself would put them before everything here that is gone, and mix up what was one after the other. */
  private insertBehind(item: Y.Item, types: readonly Type[]): void {
    const { doc } = this.transaction
    const { right } = item
    let left = item
    for (const type of types) {
      const id = Y.createID(doc.clientID, Y.getState(doc.store, doc.clientID))
      left = new Y.Item(id, left, left.lastId, right, right && right.id, parentOf(item), null, new Y.ContentType(type))
      left.integrate(this.transaction, 0)
    }
  }

  /** The line of text that came here empty, instead of this one. */
  private emptyLineAt(top: Y.Item): Y.XmlElement | null {
    if (!isLine(nameOf(top))) return null
    for (const item of [top.prev, top.next]) {
      if (!item || !isIn(this.given.fresh, item.id) || !(item.content instanceof Y.ContentType)) continue
      const { type } = item.content
      if (type instanceof Y.XmlElement && isLine(type.nodeName) && type.toArray().every((child) => child instanceof Y.XmlText && !child.length)) return type
    }
    return null
  }

  private fill(line: Y.XmlElement, top: Y.Item): void {
    this.links = []
    line.insert(line.length, this.inside(top))
    for (const link of this.links) link()
  }

  private whole(top: Y.Item): Type[] {
    // Less of a table than all of it is none.
    if (/^table/.test(nameOf(top) ?? '')) return this.blocks(top)
    const copy = this.copy(top)
    return copy ? [copy] : []
  }

  /** As whole blocks: out of a list or a table of which the rest is not there. */
  private blocks(item: Y.Item): Type[] {
    const name = nameOf(item)
    const copy = name === null || (typeOf(name)?.isInGroup('block') && name !== 'table') ? this.copy(item) : null
    if (copy) return [copy instanceof Y.XmlText ? paragraph([copy]) : copy]
    return this.childrenOf(item).flatMap((child) => this.blocks(child))
  }

  /** As plain lines, which fit everywhere where there may be blocks at all. */
  private lines(item: Y.Item): Type[] {
    const name = nameOf(item)
    if (name !== null && !isLine(name)) return this.childrenOf(item).flatMap((child) => this.lines(child))
    const inside = name === null ? [this.copy(item)].filter((copy) => copy !== null) : this.inside(item)
    return inside.length ? [paragraph(inside)] : []
  }

  /** Its children that are orphans or hold some. */
  private childrenOf(item: Y.Item): Y.Item[] {
    const children: Y.Item[] = []
    for (let child = typeIn(item)?._start ?? null; child; child = child.right)
      if (typeIn(child) && (this.orphans.has(child) || this.around.has(child))) children.push(child)
    return children
  }

  /** What is left in it. Line breaks alone are nothing. */
  private inside(item: Y.Item): Type[] {
    const copies = this.childrenOf(item).map((child) => this.copy(child)).filter((copy) => copy !== null)
    return copies.some((copy) => copy instanceof Y.XmlText || !isBreak(copy.nodeName)) ? copies : []
  }

  /** The same, with nothing in it but orphans; null: with nothing in it. */
  private copy(item: Y.Item): Type | null {
    const type = typeIn(item)
    if (type instanceof Y.XmlText) return this.copyText(type)
    if (!(type instanceof Y.XmlElement)) return null
    const inside = this.inside(item)
    if (!inside.length && !(typeOf(type.nodeName)?.isLeaf && this.orphans.has(item))) return null
    const element = new Y.XmlElement(type.nodeName)
    for (const [key, { content }] of type._map) if (!(content instanceof Y.ContentDeleted)) element.setAttribute(key, content.getContent().at(-1) as string)
    element.insert(0, [...missing(type.nodeName, inside.map(named)), ...inside])
    this.links.push(() => link(item, element))
    return element
  }

  private copyText(text: Y.XmlText): Y.XmlText | null {
    const { runs } = this.read(text)
    if (!runs.length) return null
    const copy = new Y.XmlText()
    const delta: { insert: string; attributes: Record<string, unknown> }[] = []
    let [length, after, last] = [0, runs[0]?.after, '']
    for (const run of runs) {
      // What stood between them is gone.
      const gap = run.after !== after && !/\s$/.test(last) && !/^\s/.test(run.words) ? ' ' : ''
      const at = length + gap.length
      if (gap) delta.push({ insert: gap, attributes: {} })
      delta.push({ insert: run.words, attributes: run.formats })
      this.links.push(() => link(run.item, copy, at))
      length = at + run.words.length
      after = run.after
      last = run.words
    }
    copy.applyDelta(delta)
    this.links.push(() => link(text._item, copy))
    return copy
  }
}

const parentOf = (item: Y.Item) => item.parent as Y.AbstractType<unknown>
const typeIn = ({ content }: Y.Item): Y.AbstractType<unknown> | null => (content instanceof Y.ContentType ? content.type : null)

/** The name of the element that an item holds; null: a text. */
function nameOf(item: Y.Item): string | null {
  const type = typeIn(item)
  return type instanceof Y.XmlElement ? (type.nodeName as string) : null
}

const named = (type: Type) => ({ name: type instanceof Y.XmlElement ? (type.nodeName as string) : null })
/** Does this element hold a line of text? */
const isLine = (name: string | null) => !!name && !!typeOf(name)?.inlineContent
const isBreak = (name: string) => !!typeOf(name)?.isInline

function paragraph(inside: Type[]): Y.XmlElement {
  const element = new Y.XmlElement('paragraph')
  element.insert(0, inside)
  return element
}

/** Where in its parent something comes that takes the place of this item, or follows it. */
function placeOf(item: Y.Item): number {
  let place = 0
  for (let some: Y.Item | null = item; some; some = some.left) if (!some.deleted && some.countable) place += some.length
  return place
}

function fits(types: readonly Type[], parent: Parent, place: number): boolean {
  const names = (parent.toArray() as Type[]).map(named)
  names.splice(place, 0, ...types.map(named))
  return !!typeOf(parent instanceof Y.XmlElement ? parent.nodeName : 'doc')?.validContent(Fragment.fromArray(names.flatMap(nodesOf)))
}

function itemAt(doc: Y.Doc, id: Y.ID): Y.Item | null {
  const struct = Y.getItem(doc.store, id)
  return struct instanceof Y.Item ? struct : null
}

/** A character for each unit. */
const wordsOf = (text: Y.XmlText) => (text.toDelta() as { insert: unknown }[]).map(({ insert }) => (typeof insert === 'string' ? insert : '\ufffc')).join('')

/** For carets and undo, this item is from now on that type, or begins at this character of it; so Yjs may not forget what that is. */
function link(item: Y.Item | null, type: Type, index?: number): void {
  let [to, offset] = [type._item, 0]
  if (index !== undefined) {
    offset = index
    for (to = type._start; to && (to.deleted || !to.countable || offset >= to.length); to = to.right) if (!to.deleted && to.countable) offset -= to.length
  }
  if (!item || !to) throw new Error('expected an item of the note, and what takes its place')
  item.redone = Y.createID(to.id.client, to.id.clock + offset)
  for (let kept: Y.Item | null = to; kept && !kept.keep; kept = parentOf(kept)._item) kept.keep = true
}
