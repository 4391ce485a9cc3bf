/** What in code has which colour. It is remembered by language and text, so a document that was replaced as a whole costs no new parsing. */
import type { Element, Root, Text } from 'hast'
import type { LanguageFn } from 'highlight.js'

/** From offset, to offset (UTF-16), class. */
export type Span = [number, number, string]

/** Each grammar is a file of its own, fetched when a block asks for it. */
const grammars: Record<string, () => Promise<{ default: LanguageFn }>> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  csharp: () => import('highlight.js/lib/languages/csharp'),
  css: () => import('highlight.js/lib/languages/css'),
  diff: () => import('highlight.js/lib/languages/diff'),
  go: () => import('highlight.js/lib/languages/go'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  kotlin: () => import('highlight.js/lib/languages/kotlin'),
  markdown: () => import('highlight.js/lib/languages/markdown'),
  php: () => import('highlight.js/lib/languages/php'),
  python: () => import('highlight.js/lib/languages/python'),
  ruby: () => import('highlight.js/lib/languages/ruby'),
  rust: () => import('highlight.js/lib/languages/rust'),
  sql: () => import('highlight.js/lib/languages/sql'),
  swift: () => import('highlight.js/lib/languages/swift'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
}

/** What people write after ``` for a language that has another name here. */
const aliases: Record<string, string> = {
  'c#': 'csharp', 'c++': 'cpp', cs: 'csharp', golang: 'go', html: 'xml', js: 'javascript', jsx: 'javascript', kt: 'kotlin', md: 'markdown',
  py: 'python', rb: 'ruby', rs: 'rust', sh: 'bash', shell: 'bash', svg: 'xml', ts: 'typescript', tsx: 'typescript', yml: 'yaml', zsh: 'bash',
}

export function languageOf(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const known = aliases[name.toLowerCase()] ?? name.toLowerCase()
  return known in grammars ? known : null
}

/** The kinds of tokens that have a colour of their own; the rest is plain. */
const kinds: [string, RegExp][] = [
  ['tk-note', /^(comment|quote|meta|doctag)$/],
  ['tk-text', /^(string|regexp|char|symbol|addition|number|literal|link)$/],
  ['tk-word', /^(keyword|built_in|type|tag|selector-tag|deletion|operator)$/],
  ['tk-name', /^(title|name|attr|attribute|variable|property|section|function|class|selector-class|selector-id)$/],
]

function kindOf(element: Element): string {
  const [scope = ''] = Array.isArray(element.properties.className) ? element.properties.className : []
  const word = String(scope).replace(/^hljs-/, '')
  return kinds.find(([, words]) => words.test(word))?.[0] ?? ''
}

function spansOf(node: Root | Element | Text, kind = '', at = 0, spans: Span[] = []): Span[] {
  let end = at
  for (const child of 'children' in node ? node.children : []) {
    if (child.type === 'text') {
      if (kind) spans.push([end, end + child.value.length, kind])
      end += child.value.length
    } else if (child.type === 'element') {
      spansOf(child, kindOf(child) || kind, end, spans)
      end += lengthOf(child)
    }
  }
  return spans
}

const lengthOf = (node: Element | Text): number =>
  node.type === 'text' ? node.value.length : node.children.reduce((sum, child) => sum + (child.type === 'comment' ? 0 : lengthOf(child)), 0)

/** Pieces of code, and their characters together. */
const REMEMBERED = 500
const CHARACTERS = 2_000_000
/** Longer code would keep the page waiting at every key. */
const LONGEST = 100_000

class Highlighter {
  private remembered = new Map<string, Span[]>()
  private characters = 0
  private parse: ((language: string, text: string) => Root) | null = null
  private register: ((language: string, grammar: LanguageFn) => void) | null = null
  /** How many pieces of code were read. */
  parsed = 0
  private loading = new Map<string, Promise<void>>()
  private ready = new Set<string>()

  /** Null: the language is still being fetched; `loaded` is called when it is there. */
  spans(language: string, text: string, loaded: () => void): Span[] | null {
    if (text.length > LONGEST) return []
    if (!this.parse || !this.ready.has(language)) {
      // Without a network code stays plain; the next change of the text asks again.
      this.load(language).then(loaded, () => undefined)
      return null
    }
    const key = `${language}\n${text}`
    const known = this.remembered.get(key)
    const spans = known ?? spansOf(this.parse(language, text))
    // The one used last goes to the end; the first in the map is the one to forget.
    if (known) this.remembered.delete(key)
    else {
      this.characters += key.length
      this.parsed += 1
    }
    this.remembered.set(key, spans)
    for (const oldest of this.remembered.keys()) {
      if (this.remembered.size <= REMEMBERED && this.characters <= CHARACTERS) break
      this.remembered.delete(oldest)
      this.characters -= oldest.length
    }
    return spans
  }

  private load(language: string): Promise<void> {
    let loading = this.loading.get(language)
    if (!loading) {
      loading = this.fetch(language)
      this.loading.set(language, loading)
      loading.catch(() => this.loading.delete(language))
    }
    return loading
  }

  private async fetch(language: string): Promise<void> {
    if (!this.parse) {
      const { createLowlight } = await import('lowlight')
      const lowlight = createLowlight()
      this.parse ??= (name, text) => lowlight.highlight(name, text)
      this.register ??= (name, grammar) => lowlight.register(name, grammar)
    }
    const grammar = await grammars[language]?.()
    if (grammar) this.register?.(language, grammar.default)
    this.ready.add(language)
  }
}

export const highlighter = new Highlighter()
