import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { LOST } from '../src/history/lost'
import { Mending, copyOf } from '../src/mending'
import { aroundDamage, mayLack, whatBecame } from '../src/review/damage'
import { known } from '../src/review/people'
import { putsOut } from '../src/review/out'
import { whenAndWhere } from '../src/review/says'
import type { Damage, Sitting } from '../src/review/server'
import { rowsOf } from '../src/review/timeline'
import { reasonOf, troubleOf } from '../src/trouble'
import { Person } from './person'
import { dice } from './seed'
import { Server } from './server'

beforeEach(() => {
  vi.useFakeTimers()
  const roll = dice()
  vi.spyOn(Math, 'random').mockImplementation(() => roll(1_000_000) / 1_000_000)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const told: Damage = { first: 5, last: 7, found: 0, known: 20, user: null }
const untold: Damage = { ...told, known: null }
const moment = (at: number) => ({ kind: 'moment', at }) as const
const range = (from: number, to: number | null) => ({ kind: 'range', from, to }) as const

test('it is said which entries are damaged, and what became of what was in them', () => {
  const name = () => 'Ana'
  expect(whatBecame(told, name)).toBe('Entries 5 to 7 are damaged and cannot be shown. What they left in the note is there; who wrote it, and when, is not known.')
  expect(whatBecame({ ...told, first: 7, user: 1 }, name)).toBe('Entry 7 is damaged and cannot be shown. What it left in the note is from a copy that Ana had; who wrote it, and when, is not known.')
  expect(whatBecame({ ...untold, last: 1200 }, name)).toBe('Entries 5 to 1,200 are damaged and cannot be shown, and neither can what came after.')
})

test('moments among damaged entries are stepped out of', () => {
  const around = (view: Parameters<typeof aroundDamage>[0], damage = told) => aroundDamage(view, { damaged: [damage] })
  for (const at of [0, 4, 7, 8, 30]) expect(around(moment(at))).toEqual({ view: moment(at), damage: null })
  for (const at of [5, 6]) expect(around(moment(at))).toEqual({ view: moment(7), damage: told })
  expect(around(range(3, 6))).toEqual({ view: range(3, 7), damage: told })
  expect(around(range(5, null))).toEqual({ view: range(7, null), damage: told })
  expect(around(range(5, 6))).toEqual({ view: moment(7), damage: told })
  expect(around(range(4, 7))).toEqual({ view: range(4, 7), damage: null })
})

test('of what nothing is known, and of what came after it, no moment is shown', () => {
  const around = (view: Parameters<typeof aroundDamage>[0]) => aroundDamage(view, { damaged: [told, { ...untold, first: 12, last: 12 }] })
  expect(around(moment(11)).damage).toBe(null)
  for (const at of [12, 13, 99]) expect(around(moment(at)).view).toEqual(moment(11))
  expect(around(range(6, 20)).view).toEqual(range(7, 11))
  expect(around(range(3, null))).toEqual({ view: range(3, null), damage: null })
})

test('until it is known again what was in the note, something may be missing', () => {
  for (const [view, is] of [[moment(4), false], [moment(7), true], [moment(19), true], [moment(20), false], [range(2, 30), false], [range(8, null), true]] as const)
    expect(mayLack(view, told), JSON.stringify(view)).toBe(is)
  expect(mayLack(moment(8), untold)).toBe(false)
})

test('who wrote what is damaged is somebody, and not somebody with a name or without one', () => {
  expect(known({ people: [] }, LOST)).toEqual({ id: LOST, name: 'Somebody in damaged entries', slot: 0, self: false })
  expect(known({ people: [] }, null).name).toBe('Somebody')
  expect(whenAndWhere({ user: LOST, ended: 1, where: 'Opening' }, 1)).toBe('Nobody knows who, and when, in “Opening”')
})

test('the timeline says it where it was', () => {
  const sitting = (first: number, last: number): Sitting => ({ first, last, began: 1000 * first, ended: 1000 * last, people: [[1, 1, 0]] })
  const rows = rowsOf({ sittings: [sitting(6, 20), sitting(1, 5)], versions: [], acts: [], damaged: [told], more: null, looked: null }, null, 100_000)
  expect(rows.map(({ kind }) => kind)).toEqual(['day', 'sitting', 'damage', 'sitting'])
})

test('a copy holds what the server lacks, and says what of it nobody has acknowledged', () => {
  const doc = new Y.Doc()
  const text = doc.getText('title')
  text.insert(0, 'one ')
  const has = Y.encodeStateVector(doc)
  text.insert(4, 'two ')
  const edits: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => edits.push(update))
  text.insert(8, 'three')
  const read = (edits: Uint8Array[]) => {
    const decoder = decoding.createDecoder(copyOf(doc, has, edits.map((update) => ({ update, made: 0, row: null }))))
    const parts = [decoding.readVarUint8Array(decoder), decoding.readVarUint8Array(decoder)].map((update) => Y.parseUpdateMeta(update).from.get(doc.clientID))
    expect(decoding.hasContent(decoder)).toBe(false)
    return parts
  }
  expect(read(edits)).toEqual([4, 8])
  expect(read([])).toEqual([4, undefined])
})

test('a copy is offered once, and only if it has what is damaged', async () => {
  const answers: (Response | Error)[] = []
  const asked: string[] = []
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path)
    const answer = answers.shift()
    return answer instanceof Response ? Promise.resolve(answer) : Promise.reject(answer ?? new Error('expected no more'))
  })
  const doc = new Y.Doc()
  const problem = { error: 'damaged', message: '', first: 5, last: 7, has: new Uint8Array([0]).buffer }
  const mending = new Mending('note', doc)
  expect([mending.can(problem, 6), mending.can(problem, 7), mending.can({ error: 'damaged', message: '' }, 99)]).toEqual([false, true, false])
  answers.push(new Error('no network'))
  expect(await mending.offer(problem, 9, [])).toBe(false)
  expect(mending.can(problem, 9)).toBe(false)
  const again = { ...problem }
  expect(mending.can(again, 9)).toBe(true)
  answers.push(new Response('{"type":"conflict"}', { status: 409, headers: { 'Content-Type': 'application/problem+json' } }))
  expect(await mending.offer(again, 9, [])).toBe(false)
  expect(mending.can({ ...problem }, 9)).toBe(false)
  const more = { ...problem, last: 8 }
  answers.push(new Response('{}'))
  expect([mending.can(more, 9), await mending.offer(more, 9, [])]).toEqual([true, true])
  expect(asked).toEqual(Array(3).fill('/api/documents/note/history/repair?seq=9'))
})

test('whoever is not let in because of it comes in as soon as it is repaired, with what they wrote meanwhile', async () => {
  const server = new Server()
  const ana = new Person(server, 'Ana', 1)
  server.closedTo = { error: 'damaged', message: 'Entry 5 is damaged.' }
  ana.provider.connect()
  ana.type('kept')
  await vi.advanceTimersByTimeAsync(20_000)
  expect([ana.provider.out?.error, server.log.length]).toEqual(['damaged', 0])
  server.cut()
  await vi.advanceTimersByTimeAsync(20_000)
  server.closedTo = null
  await vi.advanceTimersByTimeAsync(20_000)
  expect([ana.provider.out, ana.provider.outbox.length, server.doc.getText('title').toString()]).toEqual([null, 0, 'kept'])
  ana.provider.destroy()
})

test('the note says what is the matter, and its history stays open', () => {
  const problem = { error: 'damaged', message: '', first: 5, last: 5 }
  const trouble = troubleOf(problem, { shown: false, edits: 0, kept: true })
  expect([trouble.kind, trouble.closed, putsOut(trouble)]).toEqual(['damaged', false, false])
  expect(trouble.words).toMatch(/^Entry 5 of this note is damaged in the server's database\. What you see is the note as it was before that\./)
  expect(troubleOf(problem, { shown: true, edits: 2, kept: true }).words).toMatch(/copy on this device.*Your last edits are kept on this device and will be sent\.$/)
  expect(troubleOf({ ...problem, last: 7 }, { shown: true, edits: 0, kept: true }).words).toMatch(/^Entries 5 to 7 of this note are damaged/)
  expect(reasonOf(problem)).toBe('a part of this note is damaged on the server')
})
