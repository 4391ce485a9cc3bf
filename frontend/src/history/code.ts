/** Colours a code block that was drawn, as the editor does. */
import { highlighter, languageOf } from '../highlight'
import { drawnText } from './drawn'

/** Longer code stays plain: its colours would be worked out anew at every step of the slider. */
const LONGEST = 10_000

/** `content` holds one text; if its language has to be fetched first, it is coloured when that has come. */
export function colour(content: HTMLElement, language: unknown): void {
  const name = languageOf(language)
  const text = content.firstChild
  const drawn = text && drawnText.get(text)
  const words = text?.textContent ?? ''
  if (!name || !drawn || words.length > LONGEST) return
  const spans = highlighter.spans(name, words, () => {
    if (content.firstChild === text) colour(content, language)
  })
  if (!spans?.length) return
  const parts = document.createDocumentFragment()
  const put = (into: Node, from: number, to: number) => {
    const part = into.appendChild(document.createTextNode(words.slice(from, to)))
    drawnText.set(part, { ...drawn, skip: from })
  }
  let at = 0
  for (const [from, to, kind] of spans) {
    if (from > at) put(parts, at, from)
    const span = parts.appendChild(document.createElement('span'))
    span.className = kind
    put(span, from, to)
    at = to
  }
  if (at < words.length) put(parts, at, words.length)
  text.replaceWith(parts)
}
