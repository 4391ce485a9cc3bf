/**
 * How long it takes to look at a long past, in a real browser: `python -m tests.bench.past` builds this page and reads `measured`.
 * A log is made here, packed as the server does, and read through fetch.
 */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { Group } from '../../src/history/chunks'
import { Past, type Paper } from '../../src/history/past'
import { BODY, TITLE } from '../../src/schema'
import { dice } from '../seed'
import { table } from '../table'

interface Shape {
  /** Edits of single characters, by five people in turns. */
  operations: number
  /** 1: one long code block, as a paper that was written in one; more: paragraphs with headings between them. */
  blocks: number
  /** So many edits are one group: what one person types within a second. */
  together: number
}

const PEOPLE = 5

/** Updates as they come into the log, and who sent each. */
function written({ operations, blocks }: Shape): { updates: Uint8Array[]; users: number[]; doc: Y.Doc } {
  const roll = dice(operations + blocks)
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  const users: number[] = []
  let user = 0
  doc.on('update', (update: Uint8Array) => {
    updates.push(update)
    users.push(user + 1)
  })
  const body = doc.getXmlFragment(BODY)
  doc.clientID = 1
  doc.getText(TITLE).insert(0, 'A long past')
  const texts = Array.from({ length: blocks }, (_, at) => {
    const element = new Y.XmlElement(blocks === 1 ? 'codeBlock' : at % 12 ? 'paragraph' : 'heading')
    if (element.nodeName === 'heading') element.setAttribute('level', 2 as never)
    const text = new Y.XmlText()
    element.insert(0, [text])
    body.insert(at, [element])
    return text
  })
  let text = texts[0] as Y.XmlText
  let at = 0
  for (let turn = 0; updates.length < operations; turn++) {
    if (turn % 40 === 0) {
      user = roll(PEOPLE)
      doc.clientID = user + 1
      text = texts[roll(texts.length)] as Y.XmlText
      at = roll(3) ? text.length : roll(text.length + 1)
    }
    // Three of ten strokes take something back, as in recorded sessions.
    if (roll(10) < 3 && at > 0) text.delete(--at, 1)
    else text.insert(at++, roll(6) ? String.fromCharCode(97 + roll(26)) : blocks === 1 && !roll(12) ? '\n' : ' ')
  }
  return { updates, users, doc }
}

/** The log as chunks of 2,000 groups. */
async function packed({ together }: Shape, updates: Uint8Array[], users: number[], from = 0): Promise<Uint8Array<ArrayBuffer>> {
  const groups: Group[] = []
  for (let at = from; at < updates.length;) {
    let count = 1
    while (count < together && at + count < updates.length && users[at + count] === users[at]) count++
    const update = count > 1 ? Y.mergeUpdates(updates.slice(at, at + count)) : (updates[at] as Uint8Array)
    groups.push({ first: at + 1, last: at + count, user: users[at] as number, session: '1', time: 1_700_000_000_000 + at * 600, update })
    at += count
  }
  const out = encoding.createEncoder()
  for (let at = 0; at < groups.length; at += 2000) {
    const stream = new Blob([table(groups.slice(at, at + 2000)) as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream('deflate-raw'))
    encoding.writeVarUint8Array(out, new Uint8Array(await new Response(stream).arrayBuffer()))
  }
  return encoding.toUint8Array(out) as Uint8Array<ArrayBuffer>
}

const quantile = (times: number[], part: number) => [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * part))] as number
const rounded = (value: number) => Math.round(value * 10) / 10
const spread = (times: number[]) => ({ p50: rounded(quantile(times, 0.5)), p95: rounded(quantile(times, 0.95)), most: rounded(Math.max(...times)) })

/** Once with what the browser makes of it: styles and places of everything on the screen. */
function timed(paper: Paper, draw: () => void): [drawn: number, shown: number] {
  const began = performance.now()
  draw()
  const drawn = performance.now() - began
  void paper.body.getBoundingClientRect().height
  return [drawn, performance.now() - began]
}

async function measured(shape: Shape, base: number): Promise<object> {
  const { updates, users, doc } = written(shape)
  const bytes = await packed(shape, updates, users, base)
  let state: Uint8Array | null = null
  if (base) {
    const then = new Y.Doc()
    then.transact(() => updates.slice(0, base).forEach((update) => Y.applyUpdate(then, update)))
    state = Y.encodeStateAsUpdate(then)
  }
  const characters = doc.getXmlFragment(BODY).toString().length
  doc.destroy()
  window.fetch = (path) =>
    Promise.resolve(new Response((String(path).includes('/state') ? state : bytes) as BodyInit, { headers: { 'X-Epoch': 'bench' } }))
  // The longest time that a key or a frame had to wait.
  let longest = 0
  let last = performance.now()
  let watching = true
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
    if (watching) port2.postMessage(null)
  }
  port2.postMessage(null)
  const began = performance.now()
  const past = await Past.load('note', { epoch: 'bench', base, author: (user) => ({ slot: user ?? 0, name: `Writer ${user}` }) })
  const load = performance.now() - began
  watching = false
  const paper: Paper = { title: document.querySelector('h1') as HTMLElement, body: document.querySelector('#body') as HTMLElement }
  const roll = dice(7)
  const moment = () => past.first + roll(past.head - past.first + 1)
  const first = timed(paper, () => past.drawMoment(paper, past.head))
  const jumps = Array.from({ length: 60 }, () => timed(paper, () => past.drawMoment(paper, moment())))
  let seq = moment()
  const steps = Array.from({ length: 60 }, () => timed(paper, () => past.drawMoment(paper, (seq = past.next(seq)))))
  let changes = 0
  const differences = Array.from({ length: 25 }, () => {
    const [from, to] = [moment(), moment()].sort((a, b) => a - b) as [number, number]
    return timed(paper, () => (changes = Math.max(changes, past.drawDifference(paper, from, to, null).length)))
  })
  const whole = timed(paper, () => (changes = Math.max(changes, past.drawDifference(paper, past.first, past.head, null).length)))
  const authors = timed(paper, () => past.drawAuthors(paper, 'person', undefined))
  const restores = Array.from({ length: 5 }, () => {
    const start = performance.now()
    past.restore({ to: moment() })
    return performance.now() - start
  })
  const places = performance.now()
  for (let at = 0; at < 20; at++) past.places(moment(), past.head)
  const named = (performance.now() - places) / 20
  const search = performance.now()
  past.find('secret words')
  const found = performance.now() - search
  past.destroy()
  return {
    ...shape, base, characters, groups: past.weave.steps.length, pieces: past.weave.body.count, bytes: bytes.length,
    load: Math.round(load), longest: Math.round(longest),
    first: first.map(rounded), jump: spread(jumps.map(([drawn]) => drawn)), jumpShown: spread(jumps.map(([, shown]) => shown)),
    step: spread(steps.map(([drawn]) => drawn)), stepShown: spread(steps.map(([, shown]) => shown)),
    difference: spread(differences.map(([drawn]) => drawn)), differenceShown: spread(differences.map(([, shown]) => shown)),
    whole: whole.map(rounded), changes, authors: authors.map(rounded), restore: spread(restores), places: rounded(named), find: rounded(found),
    memory: Math.round(((performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize ?? 0) / 2 ** 20),
  }
}

Object.assign(window, { measured })
