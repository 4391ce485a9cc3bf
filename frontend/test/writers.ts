/** People who write one note at once through the editor's own steps, and the log that comes of it: what the tests of history look at. */
import { getSchema } from '@tiptap/core'
import type { Node as PmNode } from '@tiptap/pm/model'
import { canJoin, canSplit, findWrapping, liftTarget, Transform } from '@tiptap/pm/transform'
import { initProseMirrorDoc, updateYFragment } from 'y-prosemirror'
import * as Y from 'yjs'
import { undoManager } from '../src/editor'
import type { Group } from '../src/history/chunks'
import { BODY, TITLE, extensions } from '../src/schema'
import { dice } from './seed'

export const schema = getSchema(extensions())
type Roll = (end: number) => number

/** What a transaction of one person's doc really did, as Yjs told that doc: units by client. */
interface Deed { inserted: [client: number, from: number, to: number][]; deleted: [client: number, from: number, to: number][] }
interface Entry { user: number; update: Uint8Array; deed: Deed }

const WORDS = ['ship ', 'the', ' late', 'April ', 'x', 'note', '. ', '👩‍🚀', '𝄞', 'é', 'pilot customers ', 'keeps front matter', '\u00a0']

export class Writer {
  readonly doc = new Y.Doc()
  readonly undo = undoManager(this.doc)
  /** Not sent yet. */
  readonly outbox: Entry[] = []
  /** So many entries of the log have come. */
  seen = 0

  constructor(readonly user: number, client: number, private readonly roll: Roll) {
    this.doc.clientID = client
    this.undo.captureTimeout = 0
    let deed: Deed = { inserted: [], deleted: [] }
    this.doc.on('afterTransaction', (transaction: Y.Transaction) => {
      deed = { inserted: [], deleted: [] }
      for (const [id, to] of transaction.afterState) {
        const from = transaction.beforeState.get(id) ?? 0
        if (to > from) deed.inserted.push([id, from, to])
      }
      for (const [id, ranges] of transaction.deleteSet.clients) for (const { clock, len } of ranges) deed.deleted.push([id, clock, clock + len])
    })
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'wire') this.outbox.push({ user, update, deed })
    })
  }

  get body(): Y.XmlFragment {
    return this.doc.getXmlFragment(BODY)
  }

  /** Change the note as the editor does it: steps on its document, which y-prosemirror brings into the doc. */
  edit(change: (tr: Transform) => void): void {
    const { doc, meta } = initProseMirrorDoc(this.body, schema)
    const tr = new Transform(doc)
    try {
      change(tr)
    } catch (error) {
      // A random step that does not fit there is no step.
      if (!(error instanceof Error && error.name === 'TransformError')) throw error
      return
    }
    if (tr.docChanged) updateYFragment(this.doc, this.body, tr.doc, meta)
  }

  private pick<T>(some: readonly T[]): T {
    return some[this.roll(some.length)] as T
  }

  private words(): string {
    return Array.from({ length: 1 + this.roll(3) }, () => this.pick(WORDS)).join('')
  }

  /** Places in text, and blocks of text, with where they begin. */
  private texts(doc: PmNode): { node: PmNode; at: number }[] {
    const found: { node: PmNode; at: number }[] = []
    doc.descendants((node, at) => {
      if (node.isTextblock) found.push({ node, at })
    })
    return found
  }

  /** A boundary of characters in a block, as the caret finds it. */
  private placeIn({ node, at }: { node: PmNode; at: number }): number {
    const stops = [at + 1]
    let to = at + 1
    node.forEach((child) => {
      for (const part of child.isText ? new Intl.Segmenter().segment(child.text ?? '') : [{ segment: '.' }]) stops.push((to += part.segment.length))
    })
    return this.pick(stops)
  }

  /** One edit of any kind. */
  act(): void {
    if (this.roll(12) === 0) {
      const title = this.doc.getText(TITLE)
      this.doc.transact(() => {
        if (title.length > 4 && this.roll(3) === 0) title.delete(this.roll(2), 2)
        else title.insert(this.roll(2) ? title.length : 0, this.pick(['Spring', ' plan', 'Q2 ']))
      })
      return
    }
    if (this.roll(14) === 0) {
      if (this.roll(3)) this.undo.undo()
      else this.undo.redo()
      return
    }
    this.edit((tr) => this.step(tr))
  }

  private step(tr: Transform): void {
    const texts = this.texts(tr.doc)
    const what = this.roll(20)
    if (!texts.length || what === 0) {
      tr.insert(this.pick(this.gaps(tr.doc)), this.block())
      return
    }
    const block = this.pick(texts)
    const place = this.placeIn(block)
    const other = this.placeIn(this.roll(3) ? block : this.pick(texts))
    const [from, to] = [Math.min(place, other), Math.max(place, other)]
    const isCode = block.node.type.name === 'codeBlock'
    if (what < 8) tr.insert(place, schema.text(this.words(), isCode ? [] : tr.doc.resolve(place).marks()))
    else if (what < 11) {
      if (to > from) tr.deleteRange(from, to)
    } else if (what < 13) {
      if (canSplit(tr.doc, place)) tr.split(place)
    } else if (what === 13) {
      if (block.at > 0 && canJoin(tr.doc, block.at)) tr.join(block.at)
    } else if (what < 16) {
      const mark = schema.mark(this.pick(['bold', 'italic', 'code', 'strike', 'highlight', 'underline']))
      const link = schema.mark('link', { href: this.pick(['https://a.example', 'https://b.example']) })
      if (to > from && !isCode) {
        if (this.roll(3)) tr.addMark(from, to, this.roll(4) ? mark : link)
        else tr.removeMark(from, to, this.roll(2) ? mark.type : undefined)
      }
    } else if (what === 16) {
      const [name, attributes] = this.pick<[string, Record<string, unknown>]>([['heading', { level: 1 + this.roll(3) }], ['paragraph', {}], ['codeBlock', { language: this.pick(['js', 'python', null]) }]])
      const type = schema.nodes[name]
      if (type) tr.setBlockType(block.at + 1, block.at + 1, type, attributes)
    } else if (what === 17) this.setAttribute(tr)
    else if (what === 18) this.wrap(tr, block.at + 1)
    else if (!isCode) tr.insert(place, schema.node('hardBreak'))
  }

  private setAttribute(tr: Transform): void {
    const found: [number, string, unknown][] = []
    tr.doc.descendants((node, at) => {
      if (node.type.name === 'heading') found.push([at, 'level', 1 + this.roll(3)])
      if (node.type.name === 'taskItem') found.push([at, 'checked', !node.attrs.checked])
      if (node.type.name === 'codeBlock') found.push([at, 'language', this.pick(['js', 'css', null])])
    })
    if (found.length) tr.setNodeAttribute(...this.pick(found))
  }

  private wrap(tr: Transform, place: number): void {
    const $place = tr.doc.resolve(place)
    const range = $place.blockRange()
    if (!range) return
    const target = liftTarget(range)
    if (target !== null && this.roll(2)) {
      tr.lift(range, target)
      return
    }
    const type = schema.nodes[this.pick(['bulletList', 'blockquote', 'orderedList'])]
    const wrapping = type && findWrapping(range, type)
    if (wrapping) tr.wrap(range, wrapping)
  }

  private gaps(doc: PmNode): number[] {
    const gaps = [0]
    let to = 0
    doc.forEach((node) => gaps.push((to += node.nodeSize)))
    return gaps
  }

  private block(): PmNode {
    const paragraph = () => schema.node('paragraph', null, this.roll(4) ? [schema.text(this.words())] : [])
    const cell = () => schema.node('tableCell', null, [paragraph()])
    switch (this.roll(8)) {
      case 0: return schema.node('heading', { level: 1 + this.roll(3) }, [schema.text(this.words())])
      case 1: return schema.node('taskList', null, [schema.node('taskItem', { checked: !this.roll(2) }, [paragraph()]), schema.node('taskItem', null, [paragraph()])])
      case 2: return schema.node('bulletList', null, [schema.node('listItem', null, [paragraph()]), schema.node('listItem', null, [paragraph()])])
      case 3: return schema.node('codeBlock', { language: this.pick(['js', null]) }, [schema.text('const a = 1\nconst b = 2')])
      case 4: return schema.node('table', null, [schema.node('tableRow', null, [cell(), cell()]), schema.node('tableRow', null, [cell(), cell()])])
      case 5: return schema.node('horizontalRule')
      case 6: return schema.node('blockquote', null, [paragraph()])
      default: return paragraph()
    }
  }
}

export interface Session {
  groups: Group[]
  writers: Writer[]
  /** For each unit ("client clock") the group that really inserted it, and the first that deleted it. */
  inserted: Map<string, number>
  deleted: Map<string, number>
}

/** A session of 2 to 5 people; their edits come to the server late and in any order between them. */
export function session(seed: number, acts = 60): Session {
  const roll = dice(seed)
  const log: Entry[] = []
  const writers = Array.from({ length: 2 + roll(4) }, (_, at) => new Writer(at + 1, 1 + roll(2 ** 31), roll))
  const send = (writer: Writer, count: number) => log.push(...writer.outbox.splice(0, count))
  const receive = (writer: Writer, until: number) => {
    for (; writer.seen < until; writer.seen++) Y.applyUpdate(writer.doc, (log[writer.seen] as Entry).update, 'wire')
  }
  for (let act = 0; act < acts; act++) {
    const writer = writers[roll(writers.length)] as Writer
    for (let burst = roll(4); burst >= 0; burst--) writer.act()
    if (roll(3)) send(writer, 1 + roll(writer.outbox.length))
    const reader = writers[roll(writers.length)] as Writer
    if (roll(2)) receive(reader, reader.seen + roll(log.length - reader.seen + 1))
  }
  // Everybody comes online, and tidies up what the others' formats left.
  for (let round = 0; round < 4 && (round < 1 || writers.some(({ outbox, seen }) => outbox.length || seen < log.length)); round++)
    for (const writer of writers) {
      send(writer, Infinity)
      receive(writer, log.length)
    }
  return { writers, ...grouped(log, roll) }
}

/** Entries of one person that follow each other within a second are one group, as in a chunk. */
function grouped(log: readonly Entry[], roll: Roll): Omit<Session, 'writers'> {
  const groups: Group[] = []
  const inserted = new Map<string, number>()
  const deleted = new Map<string, number>()
  let time = 1_790_000_000_000
  log.forEach(({ user, update, deed }, at) => {
    time += roll(5) ? roll(700) : roll(200_000)
    const last = groups.at(-1)
    if (last?.user === user && time - last.time < 1000 && roll(4)) {
      last.update = Y.mergeUpdates([last.update, update])
      last.last = at + 1
    } else groups.push({ first: at + 1, last: at + 1, user, session: String(user), time, update })
    const group = groups.length - 1
    const note = (map: Map<string, number>, ranges: Deed['inserted']) => {
      for (const [client, from, to] of ranges)
        for (let clock = from; clock < to; clock++) if (!map.has(`${client} ${clock}`)) map.set(`${client} ${clock}`, group)
    }
    note(inserted, deed.inserted)
    note(deleted, deed.deleted)
  })
  return { groups, inserted, deleted }
}

/** The note after the first `n` groups, replayed plainly. */
export function replayed(groups: readonly Group[], n: number): Y.Doc {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const { update } of groups.slice(0, n)) Y.applyUpdate(doc, update)
  })
  return doc
}
