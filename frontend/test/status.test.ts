import { expect, test } from 'vitest'
import { nextChange, statusOf, type Facts } from '../src/status'

const quiet: Facts = { joined: true, mayWrite: true, edits: 0, kept: 0, broken: false, waiting: 0, away: 0, refused: null }
const words = (facts: Partial<Facts>) => statusOf({ ...quiet, ...facts }).words
const away = { joined: false, away: 5000 }

test('saved, until an edit waits for longer than most do', () => {
  expect(words({})).toBe('Saved')
  expect(words({ edits: 1, waiting: 299 })).toBe('Saved')
  expect(words({ edits: 1, waiting: 300 })).toBe('Saving…')
})

test('a lost link is worth a word only after a moment, and offline only after several seconds', () => {
  expect(words({ joined: false, away: 500 })).toBe('Saved')
  expect(words({ joined: false, away: 1000 })).toBe('Reconnecting…')
  expect(words({ joined: false, away: 500, edits: 2, kept: 2 })).toBe('Reconnecting…')
  expect(words(away)).toBe('Offline – all edits saved')
})

test('on this device only what IndexedDB has confirmed', () => {
  expect(words({ ...away, edits: 3, kept: 3 })).toBe('Offline – 3 edits kept on this device, will sync')
  expect(words({ ...away, edits: 1, kept: 1 })).toBe('Offline – 1 edit kept on this device, will sync')
  expect(words({ ...away, edits: 4, kept: 3 })).toBe('Offline – 3 edits kept on this device, will sync')
  expect(words({ ...away, edits: 4, kept: 0 })).toBe('Offline – 4 edits not saved yet')
  const { words: alone, actions } = statusOf({ ...quiet, ...away, edits: 4, broken: true })
  expect(alone).toBe('Offline – 4 edits only in this tab, keep it open')
  expect(actions).toEqual(['copy'])
})

test('a refused edit says why, with its ways on', () => {
  expect(statusOf({ ...quiet, edits: 2, refused: 'the disk is full' })).toEqual({ state: 'failed', words: 'Not saved: the disk is full', pending: true, actions: ['copy', 'retry'] })
})

test('a reader reads', () => {
  expect(words({ mayWrite: false })).toBe('Read only')
  expect(words({ mayWrite: false, joined: false, away: 100 })).toBe('Read only')
  expect(words({ mayWrite: false, ...away })).toBe('Offline – read only')
  // Somebody lost the right to write with edits still here: that is what matters.
  expect(words({ mayWrite: false, edits: 1, refused: 'you may only read this note now' })).toBe('Not saved: you may only read this note now')
})

test('time alone changes the words exactly when it says so', () => {
  for (const start of [{ ...quiet, edits: 1 }, { ...quiet, joined: false }, { ...quiet, joined: false, edits: 3, kept: 3 }] as Facts[]) {
    let facts = start
    for (let change = nextChange(facts); change !== null; change = nextChange(facts)) {
      const before = { ...facts, waiting: facts.waiting + change - 1, away: facts.away + change - 1 }
      expect(statusOf(before)).toEqual(statusOf(facts))
      facts = { ...facts, waiting: facts.waiting + change, away: facts.away + change }
    }
    expect(statusOf({ ...facts, waiting: 1e9, away: 1e9 })).toEqual(statusOf(facts))
  }
})
