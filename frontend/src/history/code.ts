/** Colours a code block that was drawn, as the editor does. */
import { highlighter, languageOf } from '../highlighter'
import { drawnText } from './drawn'

/** Longer code stays plain: its colours would be worked out anew at every step of the slider. */
const LONGEST = 10_000

/**
 * `content` holds what is drawn of one text. What was removed is no part of the code, and what was put in keeps the colour of whoever
 * did it. If the language has to be fetched first, the code is coloured when that has come.
 */
export function colour(content: HTMLElement, language: unknown): void {
  const name = languageOf(language)
  const texts = textsIn(content)
  const words = texts.map(({ data }) => data).join('')
  if (!name || !words || words.length > LONGEST) return
  const spans = highlighter.spans(name, words, () => colour(content, language)) ?? []
  let at = 0
  for (const text of texts) {
    const { length } = text
    if (text.parentNode === content) paint(text, at, spans)
    at += length
  }
}

function textsIn(content: HTMLElement): Text[] {
  const walker = document.createTreeWalker(content, NodeFilter.SHOW_TEXT)
  const texts: Text[] = []
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest('del, .fmt-tag')) texts.push(walker.currentNode as Text)
  return texts
}

type Spans = NonNullable<ReturnType<typeof highlighter.spans>>

/** `text` begins at the offset `start` of the code. */
function paint(text: Text, start: number, spans: Spans): void {
  const drawn = drawnText.get(text)
  const words = text.data
  const parts = document.createDocumentFragment()
  const put = (into: Node, from: number, to: number) => {
    if (from >= to) return
    const part = into.appendChild(document.createTextNode(words.slice(from, to)))
    if (drawn) drawnText.set(part, { ...drawn, skip: drawn.skip + from })
  }
  let done = 0
  for (const [from, to, kind] of spans) {
    const [first, end] = [Math.max(from - start, done), Math.min(to - start, words.length)]
    if (first >= end) continue
    put(parts, done, first)
    const span = parts.appendChild(document.createElement('span'))
    span.className = kind
    put(span, first, end)
    done = end
  }
  if (!done) return
  put(parts, done, words.length)
  text.replaceWith(parts)
}
