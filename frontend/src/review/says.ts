/** Counts and changes, in words. */
import { LOST } from '../history/lost'
import type { Change } from '../history/past'
import { namesOf } from '../people'
import { moment } from './when'

const number = new Intl.NumberFormat('en-GB')
/** 1 edit, 41,203 edits. */
export const count = (many: number, one: string, more = `${one}s`) => `${number.format(many)} ${many === 1 ? one : more}`

/** 96 KB, 2.1 MB. */
export function size(bytes: number): string {
  if (bytes < 1000) return count(bytes, 'byte')
  return bytes < 1_000_000 ? `${number.format(Math.ceil(bytes / 1000))} KB` : `${number.format(Math.round(bytes / 100_000) / 10)} MB`
}

export const quoted = (words: string, most = 60) => {
  const characters = [...words.trim()]
  return `“${characters.length > most ? `${characters.slice(0, most - 1).join('').trimEnd()}…` : characters.join('')}”`
}

type Kind = Change['kind']

const DID: Record<Kind, string> = { added: 'wrote this', removed: 'deleted this', replaced: 'replaced this', formatted: 'formatted this', set: 'changed this' }
/** What undoing a change is called: bringing back is for what was there, taking out for what was not. */
export const UNDOES: Record<Kind, string> = { added: 'Take out', removed: 'Bring back', replaced: 'Bring back', formatted: 'Undo formatting', set: 'Set back' }

/** Ana deleted this */
export const did = (kind: Kind, name: string) => `${name} ${DID[kind]}`

/** Today 14:32 */
export const whenIt = (user: number | null, time: number, now: number) => (user === LOST ? 'Nobody knows who, and when' : moment(time, now))

/** Today 14:32, in “Before the freeze” */
export const whenAndWhere = (change: Pick<Change, 'user' | 'ended' | 'where'>, now: number) =>
  `${whenIt(change.user, change.ended, now)}${change.where ? `, in ${quoted(change.where)}` : ''}`

const BLOCKS: [selector: string, one: string, more: string][] = [
  ['h1, h2, h3', 'heading', 'headings'], ['li', 'list item', 'list items'], ['tr', 'table row', 'table rows'], ['table, .tableWrapper', 'table', 'tables'],
  ['pre', 'code block', 'code blocks'], ['p', 'paragraph', 'paragraphs'],
]

/** 1 paragraph, 2 headings, or the words themselves when it is less than a block. */
export function whatItIs({ elements, words }: Pick<Change, 'elements' | 'words'>): string {
  for (const [selector, one, more] of BLOCKS) {
    const many = elements.filter((element) => element.matches(selector)).length
    if (many) return count(many, one, more)
  }
  return /^[“"]/.test(words) || !words ? words || 'it' : quoted(words)
}

/** Brought back 1 paragraph, deleted by Ana */
export function undone(change: Change, name: string): string {
  switch (change.kind) {
    case 'added': return `Took out ${whatItIs(change)}, written by ${name}`
    case 'removed': return `Brought back ${whatItIs(change)}, deleted by ${name}`
    case 'replaced': return `Brought back what ${name} replaced`
    case 'formatted': return `Undid the formatting by ${name}`
    default: return `Set back what ${name} changed: ${change.words}`
  }
}

const MADE: Record<Kind, [one: string, more: string]> = {
  added: ['insertion', 'insertions'], removed: ['deletion', 'deletions'], replaced: ['replacement', 'replacements'],
  formatted: ['change of formatting', 'changes of formatting'], set: ['other change', 'other changes'],
}

/** All the changes in one sentence, for those who do not see the colours. */
export function summary(changes: readonly Change[], nameOf: (user: number | null) => string): string {
  if (!changes.length) return 'Nothing changed.'
  const kinds = (Object.keys(MADE) as Kind[])
    .map((kind) => [kind, changes.filter((change) => change.kind === kind).length] as const)
    .filter(([, many]) => many)
    .map(([kind, many]) => count(many, ...MADE[kind]))
  const names = [...new Set(changes.map(({ user }) => user))].map(nameOf)
  return `${count(changes.length, 'change')} by ${namesOf(names)}: ${namesOf(kinds)}.`
}
