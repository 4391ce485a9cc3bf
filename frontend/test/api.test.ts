import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError, documents, newDocument, revokeShare, signIn, useToken } from '../src/api'
import { Attempt } from '../src/attempt.svelte'

interface Asked { method: string; path: string; token: string | null }

let asked: Asked[] = []

/** The server answers these, one after the other; null: there is no server. */
function answers(...list: ([number, object | string | null] | null)[]): void {
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push({ method: init.method ?? 'GET', path, token: new Headers(init.headers).get('X-CSRF-Token') })
    const next = list.shift()
    if (!next) return Promise.reject(new TypeError('Failed to fetch'))
    const [status, body] = next
    const kind = typeof body === 'string' ? 'text/html' : status < 400 ? 'application/json' : 'application/problem+json'
    return Promise.resolve(new Response(body === null ? null : typeof body === 'string' ? body : JSON.stringify(body), { status, headers: { 'Content-Type': kind } }))
  })
}

const failing = (work: Promise<unknown>) => work.then(() => expect.unreachable('it should have failed'), (error: ApiError) => error)

beforeEach(() => {
  asked = []
  useToken('first')
})
afterEach(() => vi.unstubAllGlobals())

test('reading carries no token, changing does', async () => {
  answers([200, { documents: [] }], [204, null])
  expect(await documents()).toEqual([])
  expect(await revokeShare('a/b')).toBeUndefined()
  expect(asked).toEqual([
    { method: 'GET', path: '/api/documents', token: null },
    { method: 'DELETE', path: '/api/documents/a%2Fb/share', token: 'first' },
  ])
})

test('a token that another tab has made old is fetched anew, and the request is made again', async () => {
  answers([400, { type: 'csrf' }], [200, { csrf: 'second' }], [201, { id: 'x' }])
  expect((await newDocument()).id).toBe('x')
  expect(asked.map(({ path, token }) => [path, token])).toEqual([['/api/documents', 'first'], ['/api/me', null], ['/api/documents', 'second']])
})

test('a token that is refused again is an error, not a circle', async () => {
  answers([400, { type: 'csrf' }], [200, { csrf: 'second' }], [400, { type: 'csrf', detail: 'No.' }])
  expect((await failing(newDocument())).type).toBe('csrf')
  expect(asked).toHaveLength(3)
})

test('whoever signs in goes on with the token of the new session', async () => {
  answers([200, { csrf: 'mine' }], [201, { id: 'x' }])
  await signIn('ana@example.org', 'a sentence')
  await newDocument()
  expect(asked[1]?.token).toBe('mine')
})

test('a server that is away, and a proxy that answers for it, are told apart in words', async () => {
  answers(null, [502, '<h1>Bad gateway</h1>'])
  expect((await failing(documents())).offline).toBe(true)
  const error = await failing(documents())
  expect([error.offline, error.status, error.message]).toEqual([false, 502, 'The server answered with an error (502). Try again in a moment.'])
})

test('what is wrong with a field stands beside it, all else below the form', async () => {
  const attempt = new Attempt(['email'])
  answers([422, { type: 'invalid', detail: 'Wrong fields.', errors: { email: ['Taken.'] } }], [403, { type: 'denied', detail: 'Closed.' }], [200, {}])
  expect(await attempt.run(newDocument)).toBe(false)
  expect([attempt.beside('email'), attempt.words]).toEqual(['Taken.', ''])
  expect(await attempt.run(newDocument)).toBe(false)
  expect([attempt.beside('email'), attempt.words]).toEqual(['', 'Closed.'])
  expect(await attempt.run(newDocument)).toBe(true)
  expect(attempt.words).toBe('')
})

test('a second press while the first is on its way does nothing', async () => {
  const attempt = new Attempt()
  answers([201, { id: 'x' }])
  expect(await Promise.all([attempt.run(newDocument), attempt.run(newDocument)])).toEqual([true, false])
  expect(asked).toHaveLength(1)
})
