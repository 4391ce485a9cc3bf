// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import type { Group } from '../src/history/chunks'
import { Past, type Change, type Restored } from '../src/history/past'
import { BODY } from '../src/schema'
import { author, drawn, edited, ofTypes, paper } from './canonical'
import { packed } from './packed'
import { dice, seed } from './seed'
import { replayed, schema, session, Writer } from './writers'

afterEach(() => vi.unstubAllGlobals())

/** A server with this log; `groups` may grow. Chunks hold 10 groups, and come whole. */
function serve(groups: Group[], epoch = 'one'): string[] {
  const asked: string[] = []
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path)
    const { pathname, searchParams } = new URL(path, 'http://server')
    const answer = (body: BodyInit) => Promise.resolve(new Response(body, { headers: { 'X-Epoch': epoch } }))
    if (pathname.endsWith('/state')) {
      const n = groups.findIndex(({ last }) => last === Number(searchParams.get('seq'))) + 1
      return answer(Y.encodeStateAsUpdate(replayed(groups, n)) as Uint8Array<ArrayBuffer>)
    }
    const chunks = Array.from({ length: Math.ceil(groups.length / 10) }, (_, at) => groups.slice(at * 10, at * 10 + 10))
    return answer(packed(chunks.filter((chunk) => (chunk.at(-1)?.last ?? 0) > Number(searchParams.get('after')))) as Uint8Array<ArrayBuffer>)
  })
  return asked
}

const body = (groups: readonly Group[], n: number) => edited(ofTypes(replayed(groups, n).getXmlFragment(BODY)))

test(`a past is read from the server, and what comes later is added (seed ${seed})`, async () => {
  const { groups } = session(seed)
  const [into, log] = [paper(), groups.slice(0, 25)]
  const asked = serve(log)
  const reached: number[] = []
  const past = await Past.load('a note', { epoch: 'one', base: 0, author, said: (seq) => reached.push(seq) })
  expect(asked).toEqual(['/api/documents/a%20note/history/entries?after=0'])
  expect(reached).toEqual([log[9]?.last, log[19]?.last, log[24]?.last])
  expect([past.first, past.head]).toEqual([0, log.at(-1)?.last])
  expect(await past.extend()).toBe(false)
  for (let at = 25; at < groups.length; at++) {
    log.push(groups[at] as Group)
    if (at % 7 && at < groups.length - 1) continue
    expect(await past.extend()).toBe(true)
    expect(past.head).toBe(log.at(-1)?.last)
    for (const n of [log.length, 1 + dice(at)(log.length)]) {
      past.drawMoment(into, log[n - 1]?.last ?? 0)
      expect(drawn(into), `${n} of ${log.length}`).toBe(body(log, n))
    }
  }
  past.destroy()
})

test(`a past that begins with a base is the same from there on (seed ${seed})`, async () => {
  const { groups } = session(seed)
  const into = paper()
  const from = Math.floor(groups.length / 2)
  const base = groups[from - 1]?.last ?? 0
  serve(groups)
  const past = await Past.load('note', { epoch: 'one', base, author })
  expect([past.first, past.previous(base), past.at(0), past.who(base)]).toEqual([base, base, base, null])
  for (const n of [from, from + 1, groups.length]) {
    past.drawMoment(into, groups[n - 1]?.last ?? 0)
    expect(drawn(into), `${n}`).toBe(body(groups, n))
  }
  for (const change of past.drawDifference(into, base, past.head, null)) expect(change.first).toBeGreaterThan(base)
  past.destroy()
})

test('a history that was rewritten meanwhile is not taken for the old one', async () => {
  serve(session(1).groups, 'two')
  await expect(Past.load('note', { epoch: 'one', base: 0, author })).rejects.toMatchObject({ type: 'epoch' })
})

test('what was drawn before more came is still good to undo', async () => {
  const writer = new Writer(1, 1, dice(1))
  const log: Group[] = []
  const say = (user: number) => {
    for (const { update } of writer.outbox.splice(0)) log.push({ first: log.length + 1, last: log.length + 1, user, session: String(user), time: log.length * 600_000, update })
  }
  writer.edit((tr) => tr.insert(0, schema.node('paragraph', null, [schema.text('We ship in March')])))
  say(1)
  writer.edit((tr) => tr.delete(12, 17))
  say(2)
  serve(log)
  const past = await Past.load('note', { epoch: 'one', base: 0, author })
  const [change] = past.drawDifference(paper(), 1, 2, null)
  expect(change).toMatchObject({ kind: 'removed', user: 2, words: '“March”' })
  writer.edit((tr) => tr.insert(1, schema.text('Soon. ')))
  writer.edit((tr) => tr.insert(0, schema.node('heading', { level: 1 }, [schema.text('Plan')])))
  say(1)
  expect(await past.extend()).toBe(true)
  Y.applyUpdate(writer.doc, (past.restore({ change: change as Change }) as Restored).update)
  expect(edited(ofTypes(writer.body))).toBe('<h1>Plan</h1><p>Soon. We ship in March</p>')
})

test('entries, times and steps', async () => {
  const { groups } = session(3, 20)
  const past = await Past.of(groups, author)
  for (const [at, { first, last, user, time }] of groups.entries()) {
    for (let seq = first; seq <= last; seq++) expect([past.who(seq), past.when(seq), past.step(seq)]).toEqual([user, time, last])
    expect([past.next(last), past.previous(last)]).toEqual([groups[at + 1]?.last ?? last, groups[at - 1]?.last ?? 0])
    expect(past.at(time)).toBe(last)
    expect(past.at(time - 1)).toBe(groups[at - 1]?.last ?? 0)
  }
  expect(past.next(0)).toBe(groups[0]?.last)
  const empty = await Past.of([], author)
  expect([empty.first, empty.head, empty.step(0), empty.next(0), empty.at(Date.now()), empty.places(1, 5)]).toEqual([0, 0, 0, 0, 0, ''])
  expect([empty.restore({ to: 0 }), empty.drawDifference(paper(), 0, 0, null), empty.find('x')]).toEqual([null, [], { pieces: [], present: false }])
})

test('a change says what happened, in words', async () => {
  const writer = new Writer(1, 1, dice(1))
  const log: Group[] = []
  let time = 0
  const say = (user: number, edit: () => void, pause = 300_000) => {
    edit()
    time += pause
    for (const { update } of writer.outbox.splice(0)) log.push({ first: log.length + 1, last: log.length + 1, user, session: String(user), time, update })
  }
  const text = (words: string) => schema.node('paragraph', null, [schema.text(words)])
  say(1, () => writer.edit((tr) => tr.insert(0, [schema.node('heading', { level: 2 }, [schema.text('Dates')]), text('in March'), text('with a word'), schema.node('taskList', null, [schema.node('taskItem', null, [text('done?')])])])))
  const from = log.length
  // In one sitting, letter by letter: one change.
  say(2, () => writer.edit((tr) => tr.delete(11, 16)))
  for (const [at, letter] of [...'April'].entries()) say(2, () => writer.edit((tr) => tr.insert(11 + at, schema.text(letter))), 2_000)
  say(3, () => writer.edit((tr) => tr.addMark(25, 29, schema.mark('italic'))))
  say(1, () => writer.edit((tr) => tr.setNodeAttribute(31, 'checked', true)))
  say(3, () => writer.edit((tr) => tr.insert(7, schema.node('horizontalRule'))))
  const past = await Past.of(log, author)
  const into = paper()
  const changes = past.drawDifference(into, from, past.head, null)
  expect(changes.map(({ kind, user, words, where }) => [kind, user, words, where])).toEqual([
    ['added', 3, 'line', 'Dates'],
    ['replaced', 2, '“March” → “April”', 'Dates'],
    ['formatted', 3, 'italic', 'Dates'],
    ['set', 1, 'done', 'Dates'],
  ])
  expect(into.body.querySelector('.fmt')?.outerHTML).toBe('<span class="fmt" data-author="3" data-change="2"><em>word</em></span>')
  expect([...into.body.querySelectorAll('.fmt-tag')].map(({ textContent }) => textContent)).toEqual(['italic', 'done'])
  expect([...into.body.querySelectorAll('.who')].map((who) => [who.textContent, who.getAttribute('title')])).toEqual([['W', 'Writer 3'], ['W', 'Writer 2'], ['W', 'Writer 3'], ['W', 'Writer 1']])
  past.destroy()
})
