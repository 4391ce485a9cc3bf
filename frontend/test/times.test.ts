import { expect, test } from 'vitest'
import { grouped, period, when } from '../src/times'

const at = (year: number, month: number, day: number, hour = 12, minute = 0) => new Date(year, month - 1, day, hour, minute).getTime()
const now = at(2026, 4, 3, 15) // a Friday

test('today by the clock, this week by the day, before it by the date', () => {
  expect(when(at(2026, 4, 3, 14, 32), now)).toBe('14:32')
  expect(when(at(2026, 4, 2), now)).toBe('Thu')
  expect(when(at(2026, 3, 28, 0), now)).toBe('Sat')
  expect(when(at(2026, 3, 27, 23, 59), now)).toBe('27 Mar')
  expect(when(at(2025, 12, 31), now)).toBe('31 Dec 2025')
})

test('the heading changes at midnight, at the week, at the month and at the year', () => {
  expect(period(at(2026, 4, 3, 0), now)).toBe('Today')
  expect(period(at(2026, 4, 2, 23, 59), now)).toBe('This week')
  expect(period(at(2026, 3, 27), now)).toBe('March')
  expect(period(at(2025, 3, 27), now)).toBe('March 2025')
})

test('notes stand under their headings, newest first', () => {
  const notes = [at(2026, 2, 1), now, at(2026, 4, 1), at(2026, 2, 8)].map((updated) => ({ updated }))
  expect(grouped(notes, now).map(({ name, items }) => [name, items.map(({ updated }) => updated)])).toEqual([
    ['Today', [now]],
    ['This week', [at(2026, 4, 1)]],
    ['February', [at(2026, 2, 8), at(2026, 2, 1)]],
  ])
})
