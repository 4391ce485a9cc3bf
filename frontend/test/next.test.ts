import { expect, test } from 'vitest'
import { nextPath } from '../src/next'

const here = 'https://notes.example.org'
const next = (wanted: string) => nextPath(`?next=${encodeURIComponent(wanted)}`, here)

test('back to the page somebody came from', () => {
  expect(next('/n/abc?s=token#end')).toBe('/n/abc?s=token#end')
})

test('without one, to the notes', () => {
  expect(nextPath('', here)).toBe('/')
})

test.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', '\\/evil.example', 'javascript:alert(1)', '/\t/evil.example', 'http://[', ''])(
  'never to another site: %j',
  (wanted) => expect(next(wanted)).toBe('/'),
)
