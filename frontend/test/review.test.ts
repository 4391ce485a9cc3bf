import { expect, test } from 'vitest'
import { addressOf, isUnreadable, placeOf, type Place } from '../src/review/address'
import { baseFor, firstView, nearest } from '../src/review/begin'
import { choices } from '../src/review/picks'
import { playOn } from '../src/review/playing'
import { barsOf, Scale, type Beat } from '../src/review/scale'
import { putsOut } from '../src/review/out'
import { count, quoted, size, summary } from '../src/review/says'
import type { History, Sitting } from '../src/review/server'
import { rowsOf, sizeOf } from '../src/review/timeline'
import { ago, brief, clock, dated, day, moment, span, within } from '../src/review/when'
import { asideIsHere, refused, troubleOf } from '../src/trouble'
import { dice, seed } from './seed'

const MINUTE = 60_000
const at = (month: number, date: number, hour = 12, minute = 0, year = 2026) => new Date(year, month - 1, date, hour, minute).getTime()
const now = at(4, 6, 14, 34) // a Monday

const sitting = (first: number, last: number, began: number, ended: number, ...people: Sitting['people']): Sitting => ({ first, last, began, ended, people })
const ana = 1
const ben = 2

const history: History = {
  epoch: 'e', head: 90, from: 0, looked: { seq: 30, time: at(4, 3, 16, 10) }, since: 60, people: [], bases: [], damaged: [], more: null, behind: 0,
  storage: { entries: 90, log: 400, snapshots: 0 },
  versions: [{ seq: 20, name: 'Before the rewrite', user: ana, time: at(4, 5) }, { seq: 60, name: 'Sent', user: ben, time: at(4, 6, 9, 58) }],
  acts: [{ seq: 80, kind: 'restore', detail: { what: 'Restored to Thursday' }, user: ben, time: at(4, 6, 14, 10) }],
  sittings: [
    sitting(61, 90, at(4, 6, 14, 5), at(4, 6, 14, 32), [ana, 182, 41], [ben, 3, 0]),
    sitting(31, 60, at(4, 6, 9, 30), at(4, 6, 9, 57), [ben, 240, 18]),
    sitting(21, 30, at(4, 3, 15, 41), at(4, 3, 16, 8), [ana, 64, 120]),
    sitting(1, 20, at(4, 2, 16, 30), at(4, 2, 18, 19), [ana, 1204, 388]),
  ],
}

test('an address says what is looked at, and back again', () => {
  const places: Place[] = [
    { kind: 'note' }, { kind: 'who' }, { kind: 'history', view: null }, { kind: 'history', view: { kind: 'moment', at: 12 } },
    { kind: 'history', view: { kind: 'range', from: 3, to: 12 } }, { kind: 'history', view: { kind: 'range', from: 3, to: null } },
  ]
  for (const place of places) {
    const { pathname, search } = new URL(addressOf('some-id', place), 'https://example.org')
    expect(placeOf({ pathname, search })).toEqual(place)
  }
})

test('two moments the wrong way round are the same two moments, and what is no number is none', () => {
  expect(placeOf({ pathname: '/n/x/history', search: '?from=9&to=4' })).toEqual({ kind: 'history', view: { kind: 'range', from: 4, to: 9 } })
  for (const search of ['?at=', '?at=-', '?at=1e3', '?at=0x10', '?from=x&to=3'])
    expect(placeOf({ pathname: '/n/x/history', search }), search).toEqual({ kind: 'history', view: null })
})

test('a moment beside the beginning of a range is its end, and any number may be asked for', () => {
  const view = (search: string) => placeOf({ pathname: '/n/x/history', search })
  expect(view('?from=8&at=3')).toEqual({ kind: 'history', view: { kind: 'range', from: 3, to: 8 } })
  expect(view('?from=8&at=12')).toEqual({ kind: 'history', view: { kind: 'range', from: 8, to: 12 } })
  expect(view('?from=8&to=9&at=12')).toEqual({ kind: 'history', view: { kind: 'range', from: 8, to: 9 } })
  expect(view('?at=-5')).toEqual({ kind: 'history', view: { kind: 'moment', at: -5 } })
  expect(nearest({ kind: 'moment', at: -5 }, { from: 0, head: 90 })).toEqual({ view: { kind: 'moment', at: 0 }, missing: 'never' })
  expect(nearest({ kind: 'moment', at: Number('9'.repeat(40)) }, { from: 0, head: 90 })).toEqual({ view: { kind: 'moment', at: 90 }, missing: 'never' })
})

test('an address with a moment that is no number says so; one without a moment does not', () => {
  for (const search of ['?at=', '?at=1e3', '?at=x', '?from=x&to=3', '?from=3&to=x']) expect(isUnreadable({ search }), search).toBe(true)
  for (const search of ['', '?at=0', '?at=-1', '?from=3', '?from=3&to=4', '?other=x']) expect(isUnreadable({ search }), search).toBe(false)
})

test('a moment that is not there becomes the nearest one, and it is known why', () => {
  const there = { from: 10, head: 90 }
  const moment = (at: number) => ({ kind: 'moment', at }) as const
  const range = (from: number, to: number | null) => ({ kind: 'range', from, to }) as const
  for (const view of [moment(10), moment(90), range(10, 90), range(10, null), range(90, null), range(40, 40)])
    expect(nearest(view, there)).toEqual({ view, missing: null })
  expect(nearest(moment(91), there)).toEqual({ view: moment(90), missing: 'never' })
  expect(nearest(moment(9), there)).toEqual({ view: moment(10), missing: 'erased' })
  expect(nearest(range(3, null), there)).toEqual({ view: range(10, null), missing: 'erased' })
  expect(nearest(range(3, 20), there)).toEqual({ view: range(10, 20), missing: 'erased' })
  expect(nearest(range(3, 9), there)).toEqual({ view: moment(10), missing: 'erased' })
  expect(nearest(range(20, 400), there)).toEqual({ view: range(20, 90), missing: 'never' })
  expect(nearest(range(400, null), there)).toEqual({ view: moment(90), missing: 'never' })
  expect(nearest(moment(0), { from: 0, head: 90 })).toEqual({ view: moment(0), missing: null })
})

test('moments are said as people say them', () => {
  expect(clock(at(4, 6, 9, 41))).toBe('9:41')
  expect([day(now, now), day(at(4, 3), now), day(at(3, 16), now), day(at(3, 16, 12, 0, 2024), now)]).toEqual(['Today', 'Friday', 'Monday 16 March', 'Saturday 16 March 2024'])
  expect([moment(at(4, 3, 16, 10), now), moment(at(3, 16, 18, 20), now)]).toEqual(['Friday 16:10', 'Monday 16 March, 18:20'])
  expect([brief(at(4, 2, 18, 20), now), brief(at(3, 16, 9, 5), now)]).toEqual(['Thu 18:20', '16 Mar 9:05'])
  expect([span(at(4, 6, 14, 5), at(4, 6, 14, 32)), span(at(4, 6, 14, 5), at(4, 6, 14, 5)), span(at(4, 5, 23, 50), at(4, 6, 0, 10))]).toEqual(['14:05–14:32', '14:05', '23:50–Mon 0:10'])
  expect([ago(now - 1000, now), ago(now - 2 * MINUTE, now), ago(now - 4 * 24 * 60 * MINUTE, now)]).toEqual(['just now', '2 minutes ago', '4 days ago'])
})

test('before anything was written is the beginning, and no day of 1970', () => {
  expect([within(0, now), dated(0)]).toEqual(['the beginning', 'the beginning'])
  expect([within(at(4, 6, 9, 41), now), dated(at(4, 6, 9, 41))]).toEqual(['today 9:41', '6 April 2026, 9:41'])
})

test('who is not let into the note is put out of its past, too; who has the note otherwise is not', () => {
  const standing = { shown: true, edits: 0, kept: true }
  for (const error of ['sign-in', 'not-found', 'denied'] as const) expect(putsOut(troubleOf({ error, message: '' }, standing)), error).toBe(true)
  expect(putsOut(troubleOf({ error: 'schema', message: '' }, standing))).toBe(false)
  expect(putsOut(troubleOf({ error: 'schema', message: '' }, { ...standing, shown: false }))).toBe(true)
  expect(putsOut(asideIsHere)).toBe(false)
  // An edit was refused, and reading is not.
  for (const mayWrite of [true, false]) expect(putsOut(refused(mayWrite, true))).toBe(false)
})

test('counts and sizes are readable', () => {
  expect([count(1, 'edit'), count(41_203, 'edit'), size(340), size(96_000), size(2_100_000)]).toEqual(['1 edit', '41,203 edits', '340 bytes', '96 KB', '2.1 MB'])
  expect(quoted('Keep the old importer until somebody complains', 20)).toBe('“Keep the old import…”')
  expect(quoted('👩‍🚀 up')).toBe('“👩‍🚀 up”')
})

test('the timeline has days, versions as bookmarks, acts, and a line where one last looked', () => {
  const rows = rowsOf(history, null, now)
  expect(rows.map((row) => (row.kind === 'day' ? row.words : row.key))).toEqual([
    'Today', 'sitting-61', 'act-80', 'version-60', 'sitting-31', 'looked', 'Friday', 'sitting-21', 'Thursday', 'version-20', 'sitting-1',
  ])
  expect(rows.filter((row) => 'fresh' in row && row.fresh).map(({ key }) => key)).toEqual(['sitting-61', 'act-80', 'version-60', 'sitting-31'])
})

test('nothing is marked as new when nothing is, or when one has never looked', () => {
  for (const looked of [null, { seq: 90, time: now }]) {
    const rows = rowsOf({ ...history, looked }, null, now)
    expect(rows.some((row) => row.kind === 'looked' || ('fresh' in row && row.fresh))).toBe(false)
  }
})

test('what is older than the sittings that were fetched waits for them', () => {
  const rows = rowsOf({ ...history, sittings: history.sittings.slice(0, 2), more: 31 }, null, now)
  expect(rows.map(({ key }) => key)).not.toContain('version-20')
})

test('a choice of people leaves their sittings, and counts what they did', () => {
  const rows = rowsOf(history, new Set([ben]), now)
  expect(rows.filter(({ kind }) => kind === 'sitting').map(({ key }) => key)).toEqual(['sitting-61', 'sitting-31'])
  expect(sizeOf(history.sittings[0]!, new Set([ben]))).toEqual({ inserted: 3, deleted: 0 })
  expect(sizeOf(history.sittings[0]!, null)).toEqual({ inserted: 185, deleted: 41 })
})

test('what can be chosen: since one looked, this sitting, today, since a version, all of it', () => {
  const found = choices(history, history.sittings, history.sittings[0], at(4, 6, 0))
  expect(found.map(({ words, view }) => [words, view.kind === 'range' && [view.from, view.to]])).toEqual([
    ['Since you last looked', [30, null]], ['This sitting', [60, null]], ['Today', [30, null]],
    ['Since “Sent”', [60, null]], ['Since “Before the rewrite”', [20, null]], ['Whole history', [0, null]],
  ])
  const older = choices({ ...history, from: 21 }, history.sittings, history.sittings[2], at(4, 6, 0))
  expect(older.find(({ value }) => value === 'sitting')?.view).toEqual({ kind: 'range', from: 21, to: 30 })
})

test('it begins with what is new, or else with what was written last, and never before what was erased', () => {
  expect(firstView(history)).toEqual({ kind: 'range', from: 30, to: null })
  expect(firstView({ ...history, since: 0 })).toEqual({ kind: 'range', from: 60, to: null })
  expect(firstView({ ...history, looked: null, sittings: [] })).toBeNull()
  expect(firstView({ ...history, from: 40 })).toEqual({ kind: 'range', from: 40, to: null })
})

test('a short log is fetched whole, of a very long one what is looked at', () => {
  expect(baseFor({ head: 400_000, from: 0, bases: [100, 200] }, 300)).toBe(0)
  const long = { head: 1_000_000, from: 0, bases: [250_000, 500_000, 750_000] }
  expect(baseFor(long, 600_000)).toBe(500_000)
  // The moment itself must be one that can be looked at.
  expect(baseFor(long, 500_000)).toBe(250_000)
  expect(baseFor(long, 100)).toBe(0)
})

const beats: Beat[] = [
  { seq: 1, time: 0, user: ana, weight: 1 }, { seq: 5, time: 10 * MINUTE, user: ben, weight: 4 },
  { seq: 9, time: 600 * MINUTE, user: ana, weight: 4 }, { seq: 12, time: 610 * MINUTE, user: ana, weight: 3 },
]

test('the slider folds pauses, and begins and ends with what happened', () => {
  const scale = new Scale(beats)
  const places = beats.map(({ seq }) => scale.place(seq))
  expect(places[0]).toBe(0)
  expect(places.at(-1)).toBeCloseTo(1)
  // A pause of ten hours takes no more room than the other things on it.
  expect(places[2]! - places[1]!).toBeLessThan(0.05)
  expect(scale.ends).toEqual([5, 12])
})

test(`every place of the slider belongs to a moment, and every moment has its place (seed ${seed})`, () => {
  const die = dice()
  let [seq, time] = [0, 0]
  const many: Beat[] = Array.from({ length: 400 }, () => {
    const weight = 1 + die(5)
    seq += weight
    // Clocks step back now and then.
    time += die(10) ? die(4000) - 200 : die(200 * MINUTE)
    return { seq, time, user: ana, weight }
  })
  const scale = new Scale(many)
  let before = 0
  for (const beat of many) {
    const place = scale.place(beat.seq)
    expect(place).toBeGreaterThanOrEqual(before)
    expect(scale.beatAt(place)!.seq).toBeGreaterThanOrEqual(beat.seq)
    before = place
  }
  expect(before).toBeCloseTo(1)
  expect(scale.beatAt(-1)?.seq).toBe(many[0]!.seq)
  expect(scale.beatAt(1)?.seq).toBe(many.at(-1)!.seq)
  expect(new Scale([]).beatAt(0.5)).toBeNull()
})

test('the bars say who did how much when', () => {
  const bars = barsOf(beats, new Scale(beats), 10)
  expect(bars.map(({ user, place }) => [user, place]).sort()).toEqual([[ana, 0], [ana, 0.5], [ana, 0.9], [ben, 0.4]])
  expect(Math.max(...bars.map(({ height }) => height))).toBe(1)
})

const steps = { head: 4, next: (seq: number) => seq + 1, when: (seq: number) => [0, 100, 300, 900_000, 900_100][seq]! }

test('playing keeps the rhythm and leaves the pauses out', () => {
  expect(playOn(steps, 0, 99, 1)).toEqual({ at: 0, left: 99 })
  expect(playOn(steps, 0, 100, 1)).toEqual({ at: 1, left: 0 })
  expect(playOn(steps, 0, 100, 4).at).toBe(2)
  // A quarter of an hour passes within a second.
  expect(playOn(steps, 2, 1000, 1).at).toBe(4)
  expect(playOn(steps, 4, 1000, 1)).toEqual({ at: 4, left: 1000 })
})

test('the changes in one sentence', () => {
  const change = (kind: string, user: number) => ({ kind, user }) as Parameters<typeof summary>[0][number]
  const name = (user: number | null) => (user === ana ? 'Ana' : 'Ben')
  expect(summary([change('added', ana), change('removed', ben), change('added', ben)], name)).toBe('3 changes by Ana and Ben: 2 insertions and 1 deletion.')
  expect(summary([], name)).toBe('Nothing changed.')
})
