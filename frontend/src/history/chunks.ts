/** The log as the server hands it out (docs/http.md, "Chunks"): groups of entries, packed into chunks. */
import { Columns } from './columns'
import { MalformedLog, Reader } from './reader'

export { MalformedLog }

/** What one person did within one second, as one update. It stands for the entries from `first` to `last`. */
export interface Group {
  first: number
  last: number
  /** Null: nobody. */
  user: number | null
  /** Whether two groups come from the same tab. */
  session: string
  /** Milliseconds since 1970, of its first entry. */
  time: number
  update: Uint8Array
}

/** The groups of each chunk, as soon as it has come. Raises MalformedLog. */
export async function* groupsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Group[]> {
  for await (const chunk of chunksOf(stream)) yield groupsIn(await inflated(chunk))
}

/** The longest varUint that is a safe integer. */
const LONGEST_LENGTH = 8

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  // What has come and is not a whole chunk yet; put together only when it is, so that a long chunk is not copied at every packet.
  let waiting: Uint8Array[] = []
  let size = 0
  let wanted = 1
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      waiting.push(value)
      size += value.length
      if (size < wanted) continue
      let bytes = joined(waiting, size)
      for (let length = lengthOf(bytes); ; length = lengthOf(bytes)) {
        wanted = length ? length.at + length.length : bytes.length + 1
        if (!length || bytes.length < wanted) break
        yield bytes.subarray(length.at, wanted)
        bytes = bytes.subarray(wanted)
      }
      waiting = [bytes]
      size = bytes.length
    }
    if (size) throw new MalformedLog(`a chunk of ${wanted} bytes`, `the end after ${size}`)
  } finally {
    // Whoever stops reading wants no more of it.
    await reader.cancel()
  }
}

function joined(parts: Uint8Array[], size: number): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0]
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** How long the chunk is that begins here, and where its bytes begin; null: its length is not whole yet. */
function lengthOf(bytes: Uint8Array): { length: number; at: number } | null {
  const end = bytes.subarray(0, LONGEST_LENGTH).findIndex((byte) => byte < 0x80)
  if (end < 0 && bytes.length < LONGEST_LENGTH) return null
  if (end < 0) throw new MalformedLog('the length of a chunk', `a number of more than ${LONGEST_LENGTH} bytes`)
  return { length: new Reader(bytes).uint('the length of a chunk'), at: end + 1 }
}

async function inflated(chunk: Uint8Array): Promise<Uint8Array> {
  // A copy: the stream's buffers may be shared, which a Blob does not take.
  const stream = new Blob([new Uint8Array(chunk)]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  try {
    return new Uint8Array(await new Response(stream).arrayBuffer())
  } catch (error) {
    throw new MalformedLog('a chunk in raw deflate', `${chunk.length} bytes that are none (${String(error)})`)
  }
}

/** The groups of a Table. */
export function groupsIn(table: Uint8Array): Group[] {
  const reader = new Reader(table)
  let first = reader.uint('the first seq')
  const n = reader.uint('the number of groups')
  let time = reader.uint('the time')
  const users = reader.list('a user', reader.uint('the number of users'))
  const joins: string[] = []
  for (let count = reader.uint('the number of joins'); count > 0; count--) joins.push(String(reader.big('a join')))
  const counts = reader.list('a count', n)
  const byUser = reader.list('a user', n)
  const byJoin = reader.list('a join', n)
  const times = reader.list('a time', n, () => reader.int('a time'))
  const columns = new Columns(reader)
  const groups = counts.map((count, at): Group => {
    if (!count) throw new MalformedLog('a group of at least one entry', 'none')
    const user = pick(users, byUser[at], 'user')
    time += times[at] as number
    const group = { first, last: first + count - 1, user: user ? user - 1 : null, session: pick(joins, byJoin[at], 'join'), time, update: columns.update() }
    first += count
    return group
  })
  columns.finish()
  reader.finish('a table')
  return groups
}

function pick<T>(values: readonly T[], index: number | undefined, what: string): T {
  const value = values[index ?? -1]
  if (value === undefined) throw new MalformedLog(`one of ${values.length} ${what}s`, `number ${index}`)
  return value
}
