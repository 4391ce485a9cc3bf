import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

type Listener = (event: Record<string, unknown>) => void

/** A browser, as far as a service worker sees it: its caches stay from version to version. The network gives what `server` has. */
class Browser {
  readonly kept = new Map<string, Map<string, string>>()
  server = new Map<string, string>()

  private readonly caches = {
    open: async (name: string) => {
      const cache = this.kept.get(name) ?? new Map<string, string>()
      this.kept.set(name, cache)
      return { addAll: async (paths: string[]) => paths.forEach((path) => cache.set(path, this.server.get(path) as string)) }
    },
    keys: async () => [...this.kept.keys()],
    delete: async (name: string) => this.kept.delete(name),
    match: async (request: string | { url: string }, { cacheName }: { cacheName?: string } = {}) => {
      const path = typeof request === 'string' ? request : new URL(request.url).pathname
      for (const [name, cache] of this.kept) if ((!cacheName || name === cacheName) && cache.has(path)) return cache.get(path)
      return undefined
    },
  }

  private readonly fetch = async ({ url }: { url: string }) => {
    const found = this.server.get(new URL(url).pathname)
    if (found === undefined) throw new TypeError('Failed to fetch')
    return found
  }

  /** The worker of this version is installed and in use. Returns what it answers to a page. */
  async install(version: string, assets: string[]): Promise<(path: string, mode?: string) => Promise<unknown>> {
    this.server = new Map(['/offline', ...assets].map((path) => [path, `${path} of ${version}`]))
    const listeners = new Map<string, Listener>()
    const words = readFileSync(new URL('../src/sw.tpl.js', import.meta.url), 'utf8').replace('__ASSETS__', JSON.stringify(assets)).replace('__VERSION__', JSON.stringify(version))
    const names = ['caches', 'fetch', 'addEventListener', 'skipWaiting', 'clients', 'location']
    const origin = 'https://notes.example'
    new Function(...names, words)(
      this.caches, this.fetch, (type: string, listener: Listener) => listeners.set(type, listener), async () => undefined, { claim: async () => undefined }, { origin },
    )
    for (const type of ['install', 'activate'])
      await new Promise((resolve) => listeners.get(type)?.({ waitUntil: (work: Promise<void>) => void work.then(resolve) }))
    return (path, mode = 'no-cors') =>
      new Promise((resolve) => listeners.get('fetch')?.({ request: { method: 'GET', url: origin + path, mode }, respondWith: resolve }))
  }
}

test('a page that is open while the server is updated gets the rest of itself, and offline the new one opens', async () => {
  const browser = new Browser()
  await browser.install('one', ['/assets/note-1.js'])
  const get = await browser.install('two', ['/assets/note-2.js'])
  expect(await get('/assets/note-1.js')).toBe('/assets/note-1.js of one')
  browser.server.clear()
  expect(await get('/n/abc', 'navigate')).toBe('/offline of two')
  await browser.install('three', ['/assets/note-3.js'])
  expect([...browser.kept.keys()]).toEqual(['palimpsest-two', 'palimpsest-three'])
})
