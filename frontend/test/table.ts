/** Groups as the server may pack them (docs/http.md, "Chunks"): each update whole, which costs more bytes and reads the same. */
import * as encoding from 'lib0/encoding'
import type { Group } from '../src/history/chunks'

export function table(groups: readonly Group[]): Uint8Array {
  const users = [...new Set(groups.map(({ user }) => user))]
  const joins = [...new Set(groups.map(({ session }) => session))]
  return encoding.encode((out) => {
    const write = (value: number) => encoding.writeVarUint(out, value)
    write(groups[0]?.first ?? 0)
    write(groups.length)
    write(groups[0]?.time ?? 0)
    write(users.length)
    for (const user of users) write(user === null ? 0 : user + 1)
    write(joins.length)
    for (const join of joins) {
      // Longer than a number may be.
      let rest = BigInt(join)
      for (; rest > 127n; rest >>= 7n) encoding.writeUint8(out, Number(rest & 127n) | 128)
      encoding.writeUint8(out, Number(rest))
    }
    for (const { first, last } of groups) write(last - first + 1)
    for (const { user } of groups) write(users.indexOf(user))
    for (const { session } of groups) write(joins.indexOf(session))
    groups.forEach(({ time }, at) => {
      const since = time - (groups[at - 1]?.time ?? time)
      write(since < 0 ? -since * 2 - 1 : since * 2)
    })
    write(0)
    const lengths = encoding.encode((inner) => {
      for (const { update } of groups) encoding.writeVarUint(inner, update.length)
    })
    const bytes = groups.reduce((sum, { update }) => sum + update.length, 0)
    for (const size of [groups.length, 0, 0, lengths.length, bytes, 1]) write(size)
    for (const _ of groups) write(0)
    encoding.writeUint8Array(out, lengths)
    for (const { update } of groups) encoding.writeUint8Array(out, update)
    write(0)
  })
}
