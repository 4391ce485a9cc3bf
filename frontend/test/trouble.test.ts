import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { reasonOf, refused, troubleOf } from '../src/trouble'

/** The errors of the protocol, as its own page lists them. */
const errors = [...readFileSync(new URL('../../sync/README.md', import.meta.url), 'utf8').matchAll(/^\| `([a-z-]+)` \| .* \| .* \|$/gm)].map(([, error]) => error as string)
  .filter((error) => !['join', 'message', 'leave', 'expelled', 'drain', 'document'].includes(error))

const sentence = /^[A-Z][^_{}]*[.]$/

test('every error of the protocol is known here', () => {
  expect(errors).toEqual(expect.arrayContaining(['malformed', 'too-large', 'denied', 'resync', 'storage', 'not-found', 'sign-in', 'epoch', 'schema', 'rate']))
})

for (const error of errors)
  test(`${error}: a sentence that a person understands, and a way on`, () => {
    for (const shown of [false, true]) {
      const { words, actions, closed } = troubleOf({ error, message: 'why it was' }, { shown, edits: 0, kept: true })
      expect(words).toMatch(sentence)
      expect(actions.length).toBeGreaterThan(0)
      // Whoever has a text before them keeps it, and can take it along. Of a damaged note the page itself came with one.
      expect(closed).toBe(!shown && error !== 'damaged')
      expect(actions.includes('copy')).toBe(shown)
    }
    expect(reasonOf({ error, message: 'why it was' })).toMatch(/^[a-z][^.]*$/)
    if (['malformed', 'too-large', 'denied'].includes(error)) expect(reasonOf({ error, message: 'client 4@12: expected 3, got 5' })).not.toMatch(/client|\d/)
  })

test('edits that are nowhere else are said to be so', () => {
  const problem = { error: 'sign-in', message: '' }
  expect(troubleOf(problem, { shown: true, edits: 2, kept: true }).words).toContain('kept on this device')
  expect(troubleOf(problem, { shown: true, edits: 2, kept: false }).words).toContain('only in this tab')
})

test('an edit that is never taken leaves a way on, and the text', () => {
  for (const mayWrite of [true, false]) {
    expect(refused(mayWrite, true).actions).toEqual(['afresh'])
    expect(refused(mayWrite, true).words).toContain('your copy stays on this device')
    expect(refused(mayWrite, false).words).toContain('only in this tab')
    for (const aside of [true, false]) expect(refused(mayWrite, aside).words).toMatch(/^[A-Z][^_{}]*[.]$/)
  }
})
