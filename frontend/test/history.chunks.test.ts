import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import { groupsOf, type Group } from '../src/history/chunks'
import server from './chunk.json'
import { packed } from './packed'
import { dice, seed } from './seed'
import { table } from './table'

const groups: Group[] = [
  { first: 7, last: 7, user: 3, session: '4611686018427387904', time: 1_790_000_000_000, update: new Uint8Array([1, 2, 3]) },
  { first: 8, last: 12, user: null, session: '13', time: 1_790_000_060_000, update: new Uint8Array([]) },
  // A clock that steps back.
  { first: 13, last: 14, user: 3, session: '4611686018427387904', time: 1_790_000_059_000, update: new Uint8Array(300).fill(7) },
]

/** The bytes as they come, `size` at a time. */
const streamed = (bytes: Uint8Array, size: number) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
      controller.close()
    },
  })

async function read(bytes: Uint8Array, size = 1000): Promise<Group[][]> {
  const chunks: Group[][] = []
  for await (const chunk of groupsOf(streamed(bytes, size))) chunks.push(chunk)
  return chunks
}

/** A chunk of a table that is none. */
const wrapped = (bytes: Uint8Array) => encoding.encode((out) => encoding.writeVarUint8Array(out, deflateRawSync(bytes)))

test('chunks are read as they come, in packets of any size', async () => {
  const bytes = packed([groups.slice(0, 2), groups.slice(2)])
  for (const size of [1, 2, 7, 64, bytes.length]) expect(await read(bytes, size)).toEqual([groups.slice(0, 2), groups.slice(2)])
  expect(await read(new Uint8Array())).toEqual([])
})

test('a chunk that the server has packed (sync/chunk.py) gives the updates that went into it, byte by byte', async () => {
  const [some = []] = await read(encoding.encode((out) => encoding.writeVarUint8Array(out, Buffer.from(server.chunk, 'base64'))))
  const hash = createHash('sha256')
  for (const { update } of some) hash.update(update)
  expect([some.length, hash.digest('hex')]).toEqual([server.groups, server.updates])
  expect([some[0], some.at(-1)].map((group) => group && [group.first, group.last, group.user, group.session, group.time])).toEqual([server.first, server.last])
})

test('what is no log is refused in words', async () => {
  const bytes = packed([groups])
  await expect(read(bytes.slice(0, -1))).rejects.toThrow(`expected a chunk of ${bytes.length} bytes, got the end after ${bytes.length - 1}`)
  await expect(read(new Uint8Array(9).fill(0xff))).rejects.toThrow('expected the length of a chunk, got a number of more than 8 bytes')
  await expect(read(encoding.encode((out) => encoding.writeVarUint8Array(out, new Uint8Array([255, 255, 255]))))).rejects.toThrow('expected a chunk in raw deflate, got 3 bytes that are none')
  const whole = table(groups)
  await expect(read(wrapped(whole.slice(0, 1)))).rejects.toThrow('expected the number of groups, got the end after 1 bytes')
  await expect(read(wrapped(whole.slice(0, -1)))).rejects.toThrow('expected 1 bytes of a column, got 0 bytes')
  await expect(read(wrapped(new Uint8Array([...whole, 0])))).rejects.toThrow('expected the end of a table, got 1 bytes more')
  await expect(read(wrapped(new Uint8Array([7, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])))).rejects.toThrow('expected one of 0 users, got number 0')
  await expect(read(wrapped(new Uint8Array([7, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])))).rejects.toThrow('expected a group of at least one entry, got none')
  await expect(read(wrapped(new Uint8Array([7, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0])))).rejects.toThrow('times a count, got 0 bytes')
})

test(`bytes with errors in them are read or refused, never taken for something else (seed ${seed})`, async () => {
  const roll = dice()
  const tables = [table(groups), new Uint8Array(inflateRawSync(Buffer.from(server.chunk, 'base64')))]
  for (let round = 0; round < 300; round++) {
    const broken = (tables[round % 2] as Uint8Array).slice()
    for (let count = 1 + roll(3); count > 0; count--) broken[roll(round % 2 ? broken.length : 40)] = roll(256)
    await read(wrapped(broken)).then(
      ([some]) => expect(some?.every(({ first, last, update }) => last >= first && update instanceof Uint8Array)).toBe(true),
      (error: unknown) => expect(String(error)).toMatch(/^MalformedLog: expected .+, got /),
    )
  }
})
