/**
 * Updates that were taken apart into columns, put together again (docs/http.md, "Chunks"; the server's side is sync/columns.py). Both go
 * through the columns in step, so both foretell alike what is not written down.
 */
import { MalformedLog, Reader } from './reader'

const COLUMNS = 6
/** More text than this is in no chunk. */
const LONGEST = 64 * 1024 * 1024
const MAX_CLOCK = Number.MAX_SAFE_INTEGER

/** What the first byte of a struct says. */
const HAS_ORIGIN = 128
const HAS_RIGHT = 64
const HAS_KEY = 32
const KIND = 31
const GC = 0
const DELETED = 1
const STRING = 4
const ANY = 8
const SKIP = 10

const isEmpty = (kind: number) => kind === GC || kind === DELETED || kind === SKIP

/** A client by its place in the table, and a clock of it. */
type Id = [client: number, clock: number]

export class Columns {
  private readonly table: number[]
  private readonly columns: Reader[]
  private readonly shape: Reader
  private readonly clients: Reader
  private readonly clocks: Reader
  private readonly lengths: Reader
  private readonly other: Reader
  private readonly text: string
  /** So many units of the text are read. */
  private unit = 0
  /** Of each client: the clock after its newest struct, its clock that was spoken of last, and the right origin it gave last. */
  private readonly next: number[]
  private readonly last: number[]
  private readonly right: (Id | undefined)[] = []
  private readonly out = new Writer()

  constructor(reader: Reader) {
    this.table = reader.list('a client', reader.uint('the number of clients'))
    const sizes = reader.list('the bytes of a column', COLUMNS)
    this.columns = sizes.map((size) => new Reader(reader.take(size, 'a column')))
    const [shape, clients, clocks, lengths, other, text] = this.columns as [Reader, Reader, Reader, Reader, Reader, Reader]
    this.shape = shape
    this.clients = clients
    this.clocks = clocks
    this.lengths = lengths
    this.other = other
    this.text = expanded(text)
    this.next = this.table.map(() => 0)
    this.last = this.table.map(() => 0)
  }

  /** The next update. */
  update(): Uint8Array {
    const runs = this.shape.uint('the number of clients of an update')
    if (!runs) return this.bytes().slice()
    const { out } = this
    out.clear()
    out.uint(runs - 1)
    for (let run = 1; run < runs; run++) this.run()
    const clients = this.shape.uint('the number of clients that something was deleted of')
    out.uint(clients)
    for (let at = 0; at < clients; at++) {
      const client = this.client()
      const ranges = this.shape.uint('the number of deleted ranges')
      out.uint(this.table[client] as number)
      out.uint(ranges)
      for (let range = 0; range < ranges; range++) {
        out.uint((this.last[client] = this.clock(this.last[client] as number)))
        out.uint(this.lengths.uint('the length of a deleted range'))
      }
    }
    return out.bytes()
  }

  /** Nothing may follow. */
  finish(): void {
    for (const column of this.columns.slice(0, -1)) column.finish('a column')
    if (this.unit !== this.text.length) throw new MalformedLog(`${this.unit} characters of text`, String(this.text.length))
  }

  private run(): void {
    const { out } = this
    const count = this.shape.uint('the number of structs')
    const own = this.client()
    let clock = this.clock(this.next[own] as number)
    out.uint(count)
    out.uint(this.table[own] as number)
    out.uint(clock)
    for (let at = 0; at < count; at++) {
      const info = this.shape.byte('a struct')
      const kind = info & KIND
      out.byte(info)
      if (info !== GC && info !== SKIP) this.place(info, own, clock)
      const length = isEmpty(kind) || kind === ANY || kind === STRING ? this.lengths.uint('the length of a struct') : 1
      if (kind === STRING) out.text(this.words(length))
      else if (isEmpty(kind)) out.uint(length)
      else {
        if (kind === ANY) out.uint(length)
        out.raw(this.bytes())
      }
      clock += length
      this.next[own] = clock
      this.last[own] = clock - 1
    }
  }

  private place(info: number, own: number, clock: number): void {
    if (info & HAS_ORIGIN) this.id(own, clock - 1)
    if (info & HAS_RIGHT) this.right[own] = this.id(...(this.right[own] ?? ([0, -1] as const)))
    if (info & (HAS_ORIGIN | HAS_RIGHT)) return
    const isRoot = this.shape.byte('whether a parent has a name')
    this.out.byte(isRoot)
    if (isRoot) this.name()
    else this.id(own, clock - 1)
    if (info & HAS_KEY) this.name()
  }

  /** `client` and `clock`: what is foretold. */
  private id(client: number, clock: number): Id {
    const code = this.clients.uint('the index of a client')
    const id: Id = code ? [code - 1, this.clock(this.last[code - 1] ?? 0)] : [client, clock]
    const known = this.table[id[0]]
    if (known === undefined) throw new MalformedLog(`one of ${this.table.length} clients`, `number ${id[0]}`)
    if (id[1] < 0) throw new MalformedLog('an id that can be foretold', 'none')
    this.last[id[0]] = id[1]
    this.out.uint(known)
    this.out.uint(id[1])
    return id
  }

  private name(): void {
    const bytes = this.bytes()
    this.out.uint(bytes.length)
    this.out.raw(bytes)
  }

  private client(): number {
    const client = this.clients.uint('the index of a client')
    if (client >= this.table.length) throw new MalformedLog(`one of ${this.table.length} clients`, `number ${client}`)
    return client
  }

  private clock(foretold: number): number {
    const clock = foretold + this.clocks.int('a difference of clocks')
    if (clock < 0 || clock > MAX_CLOCK) throw new MalformedLog(`a clock of 0 to ${MAX_CLOCK}`, String(clock))
    return clock
  }

  private bytes(): Uint8Array {
    return this.other.take(this.lengths.uint('a number of bytes'), 'content')
  }

  private words(length: number): string {
    if (length > this.text.length - this.unit) throw new MalformedLog(`${length} characters of text`, String(this.text.length - this.unit))
    this.unit += length
    return this.text.slice(this.unit - length, this.unit)
  }
}

/** The text, with its repeats. */
function expanded(reader: Reader): string {
  const out = new Writer()
  for (;;) {
    out.raw(reader.take(reader.uint('a number of bytes'), 'text'))
    if (!reader.rest) break
    const length = reader.uint('the length of a repeat')
    const distance = reader.uint('the distance of a repeat')
    if (!distance || distance > out.length) throw new MalformedLog(`a distance of 1 to ${out.length}`, String(distance))
    if (out.length + length > LONGEST) throw new MalformedLog(`at most ${LONGEST} bytes of text`, String(out.length + length))
    out.repeat(length, distance)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.bytes())
  } catch {
    throw new MalformedLog('text in UTF-8', 'other bytes')
  }
}

const encoder = new TextEncoder()

/** Bytes that grow. */
class Writer {
  length = 0
  private buffer = new Uint8Array(1024)

  clear(): void {
    this.length = 0
  }

  bytes(): Uint8Array {
    return this.buffer.slice(0, this.length)
  }

  byte(value: number): void {
    this.grow(1)
    this.buffer[this.length++] = value
  }

  uint(value: number): void {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte(128 + (rest % 128))
    this.byte(rest)
  }

  raw(bytes: Uint8Array): void {
    this.grow(bytes.length)
    this.buffer.set(bytes, this.length)
    this.length += bytes.length
  }

  /** A string as Yjs writes it. */
  text(words: string): void {
    if (words.length === 1 && words < '\x80') {
      this.byte(1)
      this.byte(words.charCodeAt(0))
      return
    }
    if (!words.isWellFormed()) throw new MalformedLog('whole characters', 'a half of one')
    const bytes = encoder.encode(words)
    this.uint(bytes.length)
    this.raw(bytes)
  }

  /** The bytes that began `distance` before the end once more; they may run into themselves. */
  repeat(length: number, distance: number): void {
    this.grow(length)
    for (let end = this.length + length; this.length < end;) {
      const from = this.length - distance
      const part = Math.min(distance, end - this.length)
      this.buffer.copyWithin(this.length, from, from + part)
      this.length += part
    }
  }

  private grow(by: number): void {
    if (this.length + by <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + by))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }
}
