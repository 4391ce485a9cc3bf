// @vitest-environment happy-dom
import { DOMSerializer, Fragment, type Attrs, type NodeType, type Node as PmNode } from '@tiptap/pm/model'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { Formats } from '../src/history/formats'
import { Past, type Paper } from '../src/history/past'
import { CHILD, FORMAT, TEXT, type Strand } from '../src/history/strand'
import { Moment, type View } from '../src/history/views'
import { NEVER } from '../src/history/authors'
import { Weave } from '../src/history/weave'
import { BODY, TITLE } from '../src/schema'
import { dice, seed } from './seed'
import { replayed, schema, session, type Session } from './writers'

/** How many random sessions; all that were ever asked for with SESSIONS=500. */
const SESSIONS = Number(process.env.SESSIONS ?? 60)

const author = (user: number | null) => ({ slot: user ?? 0, name: user ? `Writer ${user}` : 'Nobody' })
const paper = (): Paper => ({ title: document.createElement('h1'), body: document.createElement('div') })

type Canonical = { name: string; attributes: Record<string, unknown>; content: Canonical[] } | { text: string; marks: string }

/** Neighbouring texts that are formatted alike are one; texts without characters are none. */
function joined(content: Canonical[]): Canonical[] {
  const out: Canonical[] = []
  for (const node of content) {
    const last = out.at(-1)
    if ('text' in node && !node.text) continue
    if (last && 'text' in node && 'text' in last && last.marks === node.marks) last.text += node.text
    else out.push(node)
  }
  return out
}

const sorted = (attributes: Record<string, unknown>) => Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
const marks = (attributes: Record<string, unknown> = {}) => JSON.stringify(sorted(attributes))

function ofTypes(parent: Y.XmlFragment | Y.XmlElement): Canonical[] {
  return joined((parent.toArray() as (Y.XmlElement | Y.XmlText)[]).flatMap((child): Canonical[] =>
    child instanceof Y.XmlText
      ? (child.toDelta() as { insert: string; attributes?: Record<string, unknown> }[]).map(({ insert, attributes }) => ({ text: insert, marks: marks(attributes) }))
      : [{ name: child.nodeName, attributes: sorted(child.getAttributes()), content: ofTypes(child) }],
  ))
}

function ofStrand(strand: Strand, view: View): Canonical[] {
  const content: Canonical[] = []
  const formats = new Formats(strand, view)
  for (let piece = 0; piece < strand.count; piece++) {
    if (strand.kind[piece] === FORMAT) formats.pass(piece)
    else if (!view.has(strand, piece)) continue
    else if (strand.kind[piece] === TEXT) content.push({ text: strand.text.slice(strand.start[piece], strand.start[piece + 1]), marks: marks(formats.attributesAt(piece)) })
    else if (strand.kind[piece] === CHILD) {
      const child = strand.child(piece)
      if (child.name === null) content.push(...ofStrand(child, view))
      else content.push({ name: child.name, attributes: sorted(Object.fromEntries([...view.attributes(child)].map(([key, { value }]) => [key, value]))), content: ofStrand(child, view) })
    }
  }
  return joined(content)
}

/** As the editor would draw it, if it drew what does not fit its schema, too. */
function edited(content: readonly Canonical[]): string {
  const nodeOf = (node: Canonical): PmNode => {
    if (!('text' in node)) return (schema.nodes[node.name] as NodeType).create(node.attributes, node.content.map(nodeOf))
    const marks = Object.entries(JSON.parse(node.marks) as Record<string, Attrs>).map(([name, attributes]) => schema.mark(name, attributes))
    return schema.text(node.text, marks)
  }
  const element = document.createElement('div')
  element.append(DOMSerializer.fromSchema(schema).serializeFragment(Fragment.fromArray(content.map(nodeOf))))
  return element.innerHTML
}

function drawn({ body }: Paper): string {
  const copy = body.cloneNode(true) as HTMLElement
  for (const added of copy.querySelectorAll('.ProseMirror-trailingBreak')) added.remove()
  for (const box of copy.querySelectorAll('input')) box.removeAttribute('disabled')
  copy.normalize()
  return copy.innerHTML
}

/** Blocks, and texts with what they stand in, without what is only drawn about them. `left`: what is left out. */
function skeleton(node: Node, left: string, formats: boolean, around: readonly string[] = []): string[] {
  const out: string[] = []
  for (const child of node.childNodes) {
    if (child.nodeType === 3) out.push(...[...(child.textContent ?? '')].map((character) => character + (formats ? [...around].sort().join() : '')))
    if (!(child instanceof HTMLElement) || child.matches('.whos, .fmt-tag, .ProseMirror-trailingBreak') || child.matches(left)) continue
    const name = child.tagName.toLowerCase()
    if (child.matches('ins, del, span.fmt, div.chg')) out.push(...skeleton(child, left, formats, around))
    else if (child.matches('strong, em, s, u, mark, a, :not(pre) > code')) out.push(...skeleton(child, left, formats, [...around, name + (child.getAttribute('href') ?? '')]))
    else {
      const attributes = formats ? ` ${child.getAttribute('data-checked') ?? ''}${child.className.match(/language-\S+/)?.[0] ?? ''}` : ''
      out.push(`<${formats ? name : name.replace(/^h[1-3]$/, 'h')}${attributes}>`, ...skeleton(child, left, formats), `</${name[0]}>`)
    }
  }
  return out
}

const sessions = new Map<number, Session>()
const made = (at: number) => {
  let known = sessions.get(at)
  if (!known) sessions.set(at, (known = session(seed + at)))
  return known
}

test(`every moment is what a plain replay gives (seed ${seed})`, async () => {
  for (let at = 0; at < SESSIONS; at++) {
    const { groups } = made(at)
    const roll = dice(seed + at)
    const weave = new Weave()
    await weave.replay(groups)
    await weave.weave()
    const past = await Past.of(groups, author)
    const into = paper()
    for (let sample = 0; sample < 8; sample++) {
      const n = sample ? roll(groups.length + 1) : groups.length
      const doc = replayed(groups, n)
      const view = new Moment(n)
      const where = `session ${at} after ${n} of ${groups.length} groups`
      expect(ofStrand(weave.body, view), where).toEqual(ofTypes(doc.getXmlFragment(BODY)))
      past.drawMoment(into, groups[n - 1]?.last ?? 0)
      expect(into.title.textContent, where).toBe(doc.getText(TITLE).toString())
      expect(drawn(into), where).toBe(edited(ofTypes(doc.getXmlFragment(BODY))))
    }
    past.destroy()
    weave.destroy()
  }
}, 300_000)

test(`each character goes back to the group that wrote it, and to the one that deleted it (seed ${seed})`, async () => {
  for (let at = 0; at < SESSIONS; at++) {
    const { groups, inserted, deleted } = made(at)
    const weave = new Weave()
    await weave.replay(groups)
    await weave.weave()
    const look = (strand: Strand) => {
      for (let piece = 0; piece < strand.count; piece++) {
        for (let offset = 0; offset < (strand.start[piece + 1] as number) - (strand.start[piece] as number); offset++) {
          const id = `${strand.client[piece]} ${(strand.clock[piece] as number) + offset}`
          expect([strand.inserted[piece], strand.deleted[piece]], `session ${at}, ${id}`).toEqual([inserted.get(id), deleted.get(id) ?? NEVER])
        }
        if (strand.kind[piece] === CHILD) look(strand.child(piece))
      }
    }
    look(weave.title)
    look(weave.body)
    weave.destroy()
  }
}, 300_000)

test(`a difference without what was removed is the later moment, without what was added the earlier one (seed ${seed})`, async () => {
  for (let at = 0; at < SESSIONS; at++) {
    const { groups, writers } = made(at)
    const roll = dice(seed - at)
    const past = await Past.of(groups, author)
    const [into, whole] = [paper(), paper()]
    for (let sample = 0; sample < 5; sample++) {
      const [a, b] = [roll(groups.length + 1), roll(groups.length + 1)].sort((x, y) => x - y) as [number, number]
      const [from, to] = [groups[a - 1]?.last ?? 0, groups[b - 1]?.last ?? 0]
      const where = `session ${at} from ${from} to ${to}`
      const changes = past.drawDifference(into, from, to, null)
      past.drawMoment(whole, to)
      for (const part of ['title', 'body'] as const) expect(skeleton(into[part], 'del, .del-block', true), where).toEqual(skeleton(whole[part], '.none', true))
      past.drawMoment(whole, from)
      for (const part of ['title', 'body'] as const) expect(skeleton(into[part], 'ins, .ins-block', false), where).toEqual(skeleton(whole[part], '.none', false))
      for (const change of changes) {
        expect(change.elements.length, where).toBeGreaterThan(0)
        expect(change.words, where).not.toBe('')
        for (const element of change.elements) expect(element.dataset.author, where).toBe(String(author(change.user).slot))
        expect(from < change.last && change.first <= to, `${where}: ${change.first} to ${change.last}`).toBe(true)
      }
      // Those of nobody are none, and those of one are the same as among all.
      expect(past.drawDifference(into, from, to, new Set())).toEqual([])
      expect(skeleton(into.body, '.none', true)).toEqual((past.drawMoment(whole, to), skeleton(whole.body, '.none', true)))
      const { user } = writers[0] as { user: number }
      expect(past.drawDifference(into, from, to, new Set([user])).every((change) => change.user === user)).toBe(true)
    }
    past.destroy()
  }
}, 300_000)
