import { expect, test } from 'vitest'
import { matches, pieces } from '../src/find'

test('every word must occur, in any of the texts, whatever its case and accents', () => {
  expect(matches('PLAN spring', 'Spring release', 'the plan')).toBe(true)
  expect(matches('resume', 'Résumé', '')).toBe(true)
  expect(matches('plan autumn', 'Spring plan', '')).toBe(false)
})

test('nothing typed finds everything', () => {
  expect(matches('', 'Spring')).toBe(true)
})

test('what was found is marked, all of it and nothing else', () => {
  expect(pieces('Reading more', 're')).toEqual([
    { text: 'Re', hit: true }, { text: 'ading mo', hit: false }, { text: 're', hit: true },
  ])
  expect(pieces('Spring', 'x')).toEqual([{ text: 'Spring', hit: false }])
})

test('a text that grows in lower case is shown unmarked rather than marked in the wrong place', () => {
  expect(pieces('İstanbul plan', 'plan')).toEqual([{ text: 'İstanbul plan', hit: false }])
})
