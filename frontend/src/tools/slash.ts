import { blocks, type Block } from './blocks'

/** What follows a slash that opens the menu: at the start of the text or after a space, up to two short words. */
const SLASH = /(?:^|\s)\/([\p{L}\p{N}-]*(?: [\p{L}\p{N}]*)?)$/u

/** The query after the slash in `before`, the text between the start of the block and the caret; null: no slash there. */
export function slashQuery(before: string): string | null {
  return SLASH.exec(before)?.[1] ?? null
}

/** The blocks with a word that begins with `query`, those whose name does first. */
export function blocksFor(query: string): Block[] {
  const wanted = query.trim().toLowerCase()
  const begins = ({ words }: Block) => words.toLowerCase().startsWith(wanted)
  const found = blocks.filter(({ words, also }) => ` ${words} ${also}`.toLowerCase().includes(` ${wanted}`))
  return [...found.filter(begins), ...found.filter((block) => !begins(block))]
}
