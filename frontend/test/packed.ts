/** A log as the server packs it (docs/http.md, "Chunks"). */
import { deflateRawSync } from 'node:zlib'
import * as encoding from 'lib0/encoding'
import type { Group } from '../src/history/chunks'

export const packed = (chunks: readonly (readonly Group[])[]): Uint8Array =>
  encoding.encode((out) => {
    for (const groups of chunks) encoding.writeVarUint8Array(out, deflateRawSync(table(groups)))
  })

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
    joins.forEach(write)
    for (const { first, last } of groups) write(last - first + 1)
    for (const { user } of groups) write(users.indexOf(user))
    for (const { session } of groups) write(joins.indexOf(session))
    groups.forEach(({ time }, at) => {
      const since = time - (groups[at - 1]?.time ?? time)
      write(since < 0 ? -since * 2 - 1 : since * 2)
    })
    for (const { update } of groups) write(update.length)
    for (const { update } of groups) encoding.writeUint8Array(out, update)
  })
}
