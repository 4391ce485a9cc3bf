import { expect, test } from 'vitest'
import { linkTo } from '../src/tools/link'
import { blocksFor, slashQuery } from '../src/tools/slash'

test('a slash counts at the beginning and after a space', () => {
  expect(slashQuery('/')).toBe('')
  expect(slashQuery('now /head')).toBe('head')
  expect(slashQuery('/heading 2')).toBe('heading 2')
  expect(slashQuery('and/or')).toBeNull()
  expect(slashQuery('a / b c d')).toBeNull()
  expect(slashQuery('https://')).toBeNull()
})

test('typing narrows the blocks, those that begin with it first', () => {
  const words = (query: string) => blocksFor(query).map((block) => block.words)
  expect(words('ta')).toEqual(['Task list', 'Table'])
  expect(words('todo')).toEqual(['Task list'])
  expect(words('zebra')).toEqual([])
  expect(words('')).toHaveLength(11)
})

test.each([
  ['example.org/a?b#c', 'https://example.org/a?b#c'],
  ['http://example.org', 'http://example.org'],
  ['localhost:8000/n/1', 'https://localhost:8000/n/1'],
  ['ana@example.org', 'mailto:ana@example.org'],
  ['mailto:ana@example.org', 'mailto:ana@example.org'],
])('an address may be typed short: %s', (typed, whole) => expect(linkTo(typed)).toBe(whole))

test.each(['', 'javascript:alert(1)', 'data:text/html,x', 'two words', 'https://', '//evil.example', '/n/abc', 'file:///etc/passwd'])(
  'what a note may not link to: %j',
  (typed) => expect(linkTo(typed)).toBeNull(),
)
