/** A log as the server hands it out. */
import { deflateRawSync } from 'node:zlib'
import * as encoding from 'lib0/encoding'
import type { Group } from '../src/history/chunks'
import { table } from './table'

export const packed = (chunks: readonly (readonly Group[])[]): Uint8Array =>
  encoding.encode((out) => {
    for (const groups of chunks) encoding.writeVarUint8Array(out, deflateRawSync(table(groups)))
  })
