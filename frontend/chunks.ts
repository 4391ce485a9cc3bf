/** Which modules go together into one file: a note is there after few requests, and no other page fetches what only a note needs. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ChunkingContext } from 'rolldown'

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url))

const MAIN = source('main.ts')
const NOTE = source('pages/Note.svelte')
const OTHERS = readdirSync(source('pages')).map((name) => source(`pages/${name}`)).filter((page) => page !== NOTE)

const known = new Map<string, Set<string>>()

/** What a module cannot run without, itself among it. */
function needs(entry: string, context: ChunkingContext): Set<string> {
  let found = known.get(entry)
  if (found) return found
  known.set(entry, (found = new Set([entry])))
  for (const id of found) for (const imported of context.getModuleInfo(id)?.importedIds ?? []) found.add(imported)
  return found
}

/** The name of the file that a module goes to; null: that of whoever imports it. */
export function chunkOf(id: string, context: ChunkingContext): string | null {
  if (id === MAIN || id === NOTE || OTHERS.includes(id)) return null
  if (needs(MAIN, context).has(id)) return 'base'
  if (!needs(NOTE, context).has(id)) return null
  return OTHERS.some((page) => needs(page, context).has(id)) ? 'base' : 'editor'
}
