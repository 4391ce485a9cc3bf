/** Marks what one view has and the other has not: who added, removed, formatted and set what. */
import { initial } from '../people'
import { Changes, type Change, type Kind, type Wrap } from './changes'
import { sameValue, type FormatChange } from './formats'
import type { Ink, Seen } from './painter'
import { plainOf } from './plain'
import type { Shape } from './shapes'
import type { Attribute, Strand } from './strand'
import type { Attributes, View } from './views'
import type { Step, Weave } from './weave'
import { attributeWords, formatWords, nodeWords } from './words'

/** How somebody is shown: the slot of the colour (1 to 12, 0 for nobody), and the name. */
export type AuthorOf = (user: number | null) => { slot: number; name: string }

/** A user whose changes are marked; null: everybody's are. */
export type People = ReadonlySet<number | null> | null

/** Elements whose initials stand before the whole of it: they would scroll with what is in it, or nothing like them may stand there. */
const BOXES = new Set(['table', 'codeBlock', 'horizontalRule', 'bulletList', 'orderedList', 'taskList'])
const ITEMS = new Set(['listItem', 'taskItem'])

/** An element in whose gutter the initials stand of those who changed something in it. */
interface Host { users: Set<number | null> }

export class Comparison implements Ink {
  readonly changes: Changes
  private readonly hosts: Host[] = []
  /** The changes that the elements around this one came or went with, and where among their elements each belongs. */
  private readonly owners: { change: Change; at: number }[] = []
  private depth = 0

  /**
   * `before` and `after` are compared; the groups from `until` on are in neither. `authors`: mark whose it is, not who changed it (for
   * what would come back, and what would go).
   */
  constructor(
    private readonly weave: Weave,
    private readonly before: View,
    private readonly after: View,
    private readonly until: number,
    private readonly people: People,
    private readonly authorOf: AuthorOf,
    private readonly authors: boolean,
  ) {
    this.changes = new Changes(weave.steps)
  }

  /** The group that a piece owes it to that it is in one view only. */
  private blame({ strand, piece, is, remover }: Seen): number {
    return is || this.authors ? (strand.inserted[piece] as number) : remover
  }

  private marks(group: number): boolean {
    return !this.people || this.people.has((this.weave.steps[group] as Step).user)
  }

  shows(seen: Seen): boolean {
    // What was removed by those who are not asked for is gone.
    return seen.is || this.marks(this.blame(seen))
  }

  text(seen: Seen, formats: () => FormatChange[]): Wrap | null {
    const { strand, piece, was, is } = seen
    const from = strand.start[piece] as number
    const to = strand.start[piece + 1] as number
    if (was && is) return this.formatted(strand, from, to, formats()) ?? this.pass(to - from)
    const group = this.blame(seen)
    if (!this.marks(group)) return this.pass(to - from)
    const part = is ? 'added' : 'removed'
    const change = this.changes.add(part, group, strand, from, to)
    change.quote(part, strand, from, to)
    this.noteUser(change)
    return this.wrap(change, part, is ? 'ins' : 'del', '')
  }

  private pass(length: number): null {
    this.changes.pass(length)
    return null
  }

  private formatted(strand: Strand, from: number, to: number, all: FormatChange[]): Wrap | null {
    if (!all.length) return null
    const groupOf = ({ piece, set }: FormatChange) => (set || this.authors ? strand.inserted : strand.deleted)[piece] as number
    const marked = all.filter((change) => this.marks(groupOf(change)))
    const [first, ...rest] = marked
    if (!first) return null
    // One span has one author: the last one.
    const group = rest.reduce((newest, change) => Math.max(newest, groupOf(change)), groupOf(first))
    const user = (this.weave.steps[group] as Step).user
    const own = marked.filter((change) => (this.weave.steps[groupOf(change)] as Step).user === user)
    const label = own.map(({ key, after }) => formatWords(key, after)).join(', ')
    const change = this.changes.add('formatted', group, strand, from, to, label)
    for (const some of own) change.extend('formatted', this.weave.steps[groupOf(some)] as Step)
    change.say('formatted', label)
    this.noteUser(change)
    return this.wrap(change, 'formatted', 'fmt', label)
  }

  private wrap(change: Change, part: Exclude<Kind, 'replaced'>, look: 'ins' | 'del' | 'fmt', label: string): Wrap {
    let wrap = change.wraps.get(part)
    if (!wrap) {
      wrap = {
        make: () => this.claim(document.createElement(look === 'fmt' ? 'span' : look), change, look),
        tag: () => (label ? this.tag(change, label) : null),
      }
      change.wraps.set(part, wrap)
    }
    return wrap
  }

  private claim(element: HTMLElement, change: Change, look: string, at = change.elements.length): HTMLElement {
    element.classList.add(look)
    element.setAttribute('data-author', String(this.authorOf(change.user).slot))
    element.setAttribute('data-change', String(change.index))
    change.elements.splice(at, 0, element)
    return element
  }

  private tag(change: Change, label: string): HTMLElement {
    const tag = document.createElement('span')
    tag.className = 'fmt-tag'
    tag.dataset.author = String(this.authorOf(change.user).slot)
    tag.textContent = label
    return tag
  }

  private noteUser({ user }: Change): void {
    // Whoever made the whole of it stands with the whole.
    if (!this.owners.some(({ change }) => change.user === user)) this.hosts.at(-1)?.users.add(user)
  }

  /** Initials stand with the block of the body, or with the item of a list. */
  private isHost(child: Strand): boolean {
    return !this.depth || ITEMS.has(child.name ?? '')
  }

  enter(child: Strand, seen: Seen): void {
    if (this.isHost(child)) this.hosts.push({ users: new Set() })
    if (!this.depth && child.name === 'heading') this.changes.where = plainOf(child, seen.is ? this.after : this.before).trim()
    this.depth += 1
    if (this.isKept(seen)) {
      this.changes.stop()
      return
    }
    const { strand, piece } = seen
    const part = seen.is ? 'added' : 'removed'
    const unit = strand.start[piece] as number
    const change = this.changes.add(part, this.blame(seen), strand, unit, unit + 1)
    // What went with it and had come in between is not drawn, but comes back with it.
    if (!seen.is && this.owners.at(-1)?.change !== change) change.limits.addInside(child)
    change.name(part, nodeWords(child))
    this.noteUser(change)
    this.owners.push({ change, at: change.elements.length })
  }

  private isKept(seen: Seen): boolean {
    return (seen.was && seen.is) || !this.marks(this.blame(seen))
  }

  leave(child: Strand, seen: Seen, shape: Shape, before: Attributes, after: Attributes): HTMLElement {
    this.depth -= 1
    if (this.isKept(seen)) {
      if (seen.was && seen.is) this.set(child, shape, before, after)
      this.changes.stop()
    } else {
      const owner = this.owners.pop()
      // What came with what is around it is marked by that.
      if (owner && this.owners.at(-1)?.change !== owner.change) this.claim(shape.dom, owner.change, seen.is ? 'ins-block' : 'del-block', owner.at)
    }
    const host = this.isHost(child) ? this.hosts.pop() : undefined
    return host?.users.size ? this.initials(shape.dom, child, host.users) : shape.dom
  }

  private set(child: Strand, { dom, content }: Shape, before: Attributes, after: Attributes): void {
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const [went, came] = [before.get(key), after.get(key)]
      if (went === came || sameValue(went?.value, came?.value)) continue
      const group = came || this.authors ? ((came ?? went) as Attribute).inserted : this.unset(child, key)
      if (!this.marks(group)) continue
      const label = attributeWords(child.name, key, went?.value, came?.value)
      this.changes.stop()
      const change = this.changes.add('set', group, child, 0, 0, label)
      change.limits.attributes.add(child)
      change.say('set', label)
      this.hosts.at(-1)?.users.add(change.user)
      this.claim(dom, change, 'fmt')
      ;(content ?? dom).append(this.tag(change, label))
    }
  }

  /** The group that took a value away: the last one that did something to it. */
  private unset(child: Strand, key: string): number {
    const values = child.attributes.find(([value]) => value?.key === key) ?? []
    return Math.max(...values.flatMap(({ inserted, deleted }) => [inserted, deleted]).filter((group) => group < this.until))
  }

  /** The initials of `users` in the gutter of an element. */
  private initials(dom: HTMLElement, child: Strand, users: Iterable<number | null>): HTMLElement {
    const whos = document.createElement('span')
    whos.className = 'whos'
    for (const user of users) {
      const { slot, name } = this.authorOf(user)
      const who = whos.appendChild(document.createElement('span'))
      who.className = 'who'
      who.dataset.author = String(slot)
      who.title = name
      who.textContent = initial(name)
    }
    if (BOXES.has(child.name ?? '')) {
      const box = document.createElement('div')
      box.className = 'chg'
      box.append(whos, dom)
      return box
    }
    dom.classList.add('chg')
    dom.prepend(whos)
    return dom
  }

  /** The title: a text whose initials stand with the whole of it. */
  title(into: HTMLElement, draw: () => void): void {
    this.hosts.push({ users: new Set() })
    this.depth += 1
    draw()
    this.depth -= 1
    this.changes.stop()
    const host = this.hosts.pop()
    into.classList.toggle('chg', !!host?.users.size)
    if (host?.users.size) this.initials(into, this.weave.title, host.users)
  }
}
