/**
 * What finds addresses in what people type, in place of `linkifyjs`, which the editor's links import (vite.config.ts). Most of that is the
 * list of all top-level domains: it comes when the page is quiet, and until then only an address that says what it is is one.
 */
import { later } from './later'

interface Found { type: string; value: string; isLink: boolean; href: string; start: number; end: number }
interface Token { toObject(defaultProtocol: string): Found }
interface Linkify {
  find(text: string, options?: { defaultProtocol?: string }): Found[]
  tokenize(text: string): Token[]
  reset(): void
}

let linkify: Linkify | null = null
const load = later(async () => void (linkify ??= await import('linkifyjs/dist/linkify.mjs')))

function come(): Linkify | null {
  // If it does not come now, the next word asks again.
  if (!linkify) load().catch(() => undefined)
  return linkify
}

/** A word that is an address from its first to its last letter. */
const ADDRESS = /^(?:https?:\/\/|mailto:)\S*[^\s.,:;!?'")\]]$/i

function addressesIn(text: string): Found[] {
  const words = [...text.matchAll(/\S+/g)].filter(([word]) => ADDRESS.test(word))
  return words.map(({ 0: value, index }) => ({ type: 'url', value, isLink: true, href: value, start: index, end: index + value.length }))
}

export const find: Linkify['find'] = (text, options) => come()?.find(text, options) ?? addressesIn(text)
export const tokenize: Linkify['tokenize'] = (text) => come()?.tokenize(text) ?? addressesIn(text).map((found) => ({ toObject: () => found }))
export const reset = () => linkify?.reset()
export const registerCustomProtocol = () => {
  throw new Error('expected only the protocols that every browser knows')
}
