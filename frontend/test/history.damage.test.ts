// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import type { Group } from '../src/history/chunks'
import { LOST } from '../src/history/lost'
import { Past, type Span } from '../src/history/past'
import { author, drawn, paper } from './canonical'
import { packed } from './packed'
import { dice } from './seed'
import { schema, Writer } from './writers'

afterEach(() => vi.unstubAllGlobals())

/** Two people write a line each, letter by letter: ten entries, of which the fifth is the 'n' of Ben. */
function log(): Group[] {
  const groups: Group[] = []
  const [ana, ben] = [new Writer(1, 1, dice(1)), new Writer(2, 2, dice(2))]
  const say = (writer: Writer, words: string, at: number) => {
    writer.edit((tr) => tr.insert(at, at ? schema.text(words) : schema.node('paragraph', null, [schema.text(words)])))
    for (const { update } of writer.outbox.splice(0)) {
      groups.push({ first: groups.length + 1, last: groups.length + 1, user: writer.user, session: '1', time: groups.length * 60_000, update })
      for (const other of [ana, ben]) Y.applyUpdate(other.doc, update, 'wire')
    }
  }
  say(ana, 'A', 0)
  for (const [at, letter] of [...'na'].entries()) say(ana, letter, 2 + at)
  say(ben, 'B', 0)
  say(ben, 'n', 2)
  say(ben, 'e', 2)
  for (const [at, letter] of [...' too'].entries()) say(ben, letter, 4 + at)
  return groups
}

/** A server with these groups, which says that it has all up to `until`. */
function serve(groups: readonly Group[], until = 10): void {
  vi.stubGlobal('fetch', (path: string) => {
    const after = Number(new URL(path, 'http://server').searchParams.get('after'))
    const body = packed(groups.filter(({ last }) => last > after).map((group) => [group])) as Uint8Array<ArrayBuffer>
    return Promise.resolve(new Response(body, { headers: { 'X-Epoch': 'one', 'X-Until': String(until) } }))
  })
}

/** The same log, as the server hands it out when it knows what the damaged entry did. */
const mended = (groups: readonly Group[]) => groups.map((group) => (group.first === 5 ? { ...group, user: null, session: '0' } : group))
const load = (damaged: () => Span[] = () => []) => Past.load('note', { epoch: 'one', base: 0, author, damaged })

function shown(past: Past, seq: number): string {
  const into = paper()
  past.drawMoment(into, seq)
  return drawn(into)
}

test('the past ends where entries are missing: what comes after them builds on them', async () => {
  serve(log().filter(({ first }) => first !== 5))
  const past = await load()
  expect(past.missing).toEqual({ first: 5, last: 5 })
  expect([past.head, shown(past, past.head), shown(past, 9)]).toEqual([4, '<p>B</p><p>Ana</p>', '<p>B</p><p>Ana</p>'])
  past.destroy()
})

test('the newest entries may be missing, and the first ones', async () => {
  serve(log().slice(0, 8))
  let past = await load()
  expect([past.missing, past.head]).toEqual([{ first: 9, last: 10 }, 8])
  past.destroy()
  serve(log().slice(2))
  past = await load()
  expect([past.missing, past.head, past.first]).toEqual([{ first: 1, last: 2 }, 0, 0])
  past.destroy()
  serve(log())
  past = await load()
  expect([past.missing, past.head]).toEqual([null, 10])
  past.destroy()
})

test('when the server knows what they did, the past goes on, and every moment after is as it was', async () => {
  const whole = log()
  serve(whole)
  const other = await load()
  const texts = whole.map(({ last }) => shown(other, last))
  other.destroy()
  serve(whole.filter(({ first }) => first !== 5))
  let damaged: Span[] = []
  const past = await load(() => damaged)
  damaged = [{ first: 5, last: 5 }]
  serve(mended(whole))
  expect(await past.extend()).toBe(true)
  expect(past.missing).toBe(null)
  expect(whole.map(({ last }) => shown(past, last))).toEqual(texts)
  past.destroy()
})

test('who wrote what is damaged is not known, and not nobody either', async () => {
  serve(mended(log()))
  const past = await load(() => [{ first: 5, last: 5 }])
  expect([past.who(4), past.who(5), past.who(6)]).toEqual([2, LOST, 2])
  const into = paper()
  const changes = past.drawDifference(into, 3, 10, null)
  expect(changes.map(({ user, words }) => [user, words])).toEqual([[2, '“B”'], [2, '“e”'], [LOST, '“n”'], [2, '“too”']])
  expect(past.drawDifference(into, 3, 10, new Set([LOST])).map(({ user }) => user)).toEqual([LOST])
  expect(past.drawAuthors(into, 'person', undefined)).toEqual([
    { user: 2, characters: 6 }, { user: 1, characters: 3 }, { user: LOST, characters: 1 },
  ])
  const text = [...into.body.querySelectorAll('.by')].find((by) => by.textContent === 'n')
  expect(past.written(text?.firstChild as Node, 0)).toMatchObject({ user: LOST, seq: 5 })
  past.destroy()
})

test('what is damaged can be taken back, and what was before it brought back', async () => {
  const whole = log()
  serve(mended(whole))
  const past = await load(() => [{ first: 5, last: 5 }])
  const after = (update: Uint8Array | undefined) => {
    const doc = new Y.Doc()
    for (const group of whole) Y.applyUpdate(doc, group.update)
    Y.applyUpdate(doc, update as Uint8Array)
    return doc.getXmlFragment('body').toString()
  }
  const into = paper()
  const change = past.drawDifference(into, 3, 10, null).find(({ user }) => user === LOST)
  expect(after(past.restore({ change: change as never })?.update)).toBe('<paragraph>Be too</paragraph><paragraph>Ana</paragraph>')
  expect(after(past.restore({ to: 4 })?.update)).toBe('<paragraph>B</paragraph><paragraph>Ana</paragraph>')
  past.destroy()
})

test('nothing is drawn of a log in which something builds on what never came', async () => {
  const whole = log().filter(({ first }) => first !== 5).map((group, at) => ({ ...group, first: at + 1, last: at + 1 }))
  serve(whole, 9)
  await expect(load()).rejects.toThrow('expected entries that build on what was before them')
})

test('bytes that are no update are said to be none', async () => {
  serve([{ ...(log()[0] as Group), update: new Uint8Array([1, 1, 1, 0, 4]) }], 1)
  await expect(load()).rejects.toThrow('expected an update for the entries 1 to 1, got')
})
