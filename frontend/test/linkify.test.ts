import { expect, test } from 'vitest'
import { find, tokenize } from '../src/linkify'

const words = ['https://example.org', 'HTTP://localhost:8000/x?y=1#z', 'mailto:ana@example.org', 'https://example.org.', 'https://', 'xhttps://a.org', 'word', '']
const linked = () => words.map((word) => tokenize(word).map((token) => token.toObject('https')).filter(({ isLink, value }) => isLink && value === word).map(({ href }) => href))

test('an address that says what it is is one at once, and the same one when all that finds addresses has come', async () => {
  const text = 'See https://example.org and mailto:x@y.zz today'
  const [first, atOnce] = [linked(), find(text).map(({ value, href, start, end }) => [value, href, start, end])]
  expect(first.map(([href]) => href)).toEqual([...words.slice(0, 3), ...Array(5).fill(undefined)])
  expect(find('example.org')).toEqual([])
  await expect.poll(() => find('example.org', { defaultProtocol: 'https' }).map(({ href }) => href)).toEqual(['https://example.org'])
  expect(linked()).toEqual(first)
  expect(find(text).map(({ value, href, start, end }) => [value, href, start, end])).toEqual(atOnce)
})
