/** What changed, in plain words. */
import type { Strand } from './strand'

const FORMATS: Record<string, string> = { bold: 'bold', italic: 'italic', strike: 'struck', underline: 'underlined', code: 'code', highlight: 'highlighted', link: 'link' }

export const formatWords = (key: string, value: unknown) => {
  const name = FORMATS[key.replace(/--.*$/, '')] ?? key
  return value === null ? `not ${name}` : name
}

const NODES: Record<string, string> = {
  paragraph: 'empty paragraph', heading: 'empty heading', bulletList: 'list', orderedList: 'list', taskList: 'task list', listItem: 'list item',
  taskItem: 'task', blockquote: 'quote', codeBlock: 'code', table: 'table', tableRow: 'row', tableHeader: 'cell', tableCell: 'cell',
  horizontalRule: 'line', hardBreak: 'line break',
}

export const nodeWords = ({ name }: Strand) => (name && NODES[name]) || 'something'

/** "heading 2 → heading 3" */
export function attributeWords(node: string | null, key: string, before: unknown, after: unknown): string {
  if (key === 'checked') return after === true || after === 'true' ? 'done' : 'not done'
  if (key === 'level') return `heading ${String(before ?? 1)} → heading ${String(after ?? 1)}`
  if (key === 'language') return `${String(before || 'plain')} → ${String(after || 'plain')}`
  return `${node ?? 'text'}, ${key}: ${plain(before)} → ${plain(after)}`
}

const plain = (value: unknown) => (value === undefined || value === null ? 'none' : typeof value === 'object' ? JSON.stringify(value) : String(value))

/** Longer words are cut. */
const LONGEST = 120

export const quoted = (words: string) => {
  const line = words.replace(/\s+/g, ' ').trim()
  return `“${line.length > LONGEST ? `${line.slice(0, LONGEST - 1).replace(/[\ud800-\udbff]$/, '')}…` : line || words}”`
}

/** As much as is worth keeping. */
export const KEPT = LONGEST * 2
