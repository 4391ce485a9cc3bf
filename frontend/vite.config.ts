import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { chunkOf } from './chunks.ts'

/** Write /sw.js from its template. Its version is a hash of what it keeps: the same build is the same worker. */
const serviceWorker: Plugin = {
  name: 'service-worker',
  apply: 'build',
  generateBundle(_options, bundle) {
    const template = new URL('src/sw.tpl.js', import.meta.url)
    const assets = Object.keys(bundle).filter((name) => /^assets\/.*\.(js|css)$/.test(name)).sort().map((name) => `/${name}`)
    const words = readFileSync(template, 'utf8').replace('__ASSETS__', JSON.stringify(assets))
    const version = createHash('sha256').update(words).digest('hex').slice(0, 12)
    this.emitFile({ type: 'asset', fileName: 'sw.js', source: words.replace('__VERSION__', JSON.stringify(version)) })
  },
}

const server = process.env.PALIMPSEST_URL ?? 'http://127.0.0.1:8000'

export default defineConfig({
  base: '/',
  plugins: [svelte(), serviceWorker],
  // Two copies of Yjs do not know each other's types.
  resolve: {
    dedupe: ['yjs', 'lib0', 'y-protocols'],
    alias: [
      // The copy that Tiptap ships guesses where the caret was by comparing texts, and lands in a paragraph that reads the same.
      { find: '@tiptap/y-tiptap', replacement: 'y-prosemirror' },
      { find: /^linkifyjs$/, replacement: fileURLToPath(new URL('src/linkify.ts', import.meta.url)) },
    ],
  },
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    // Which chunks a page is made of: the server names them in the page, so that they need not be discovered one after the other.
    manifest: 'chunks.json',
    // The page's policy allows neither inline scripts nor data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: chunkOf, debugName: 'chunks.ts' }] } } },
    reportCompressedSize: false,
    // The editor is one file; what it may weigh, tests/browser/test_first_load.py says.
    chunkSizeWarningLimit: 700,
  },
  // `npm run dev` beside a running server.
  server: { proxy: { '/api': server, '/socket.io': { target: server, ws: true } } },
  // How long something takes is for benchmarks: a busy machine is no defect.
  test: { testTimeout: 60_000, include: ['test/**/*.test.ts'], setupFiles: ['test/setup.ts'], server: { deps: { inline: [/@tiptap/] } } },
})
