/** Messages of the wire protocol (sync/README.md) and their bytes, in lib0 encoding. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const SYNC = 0
const AWARENESS = 1
const KINDS = ['step1', 'step2', 'update'] as const

export interface Message {
  /** step1: a state vector; step2 and update: an update; awareness: states. */
  kind: (typeof KINDS)[number] | 'awareness'
  payload: Uint8Array
}

export function encode({ kind, payload }: Message): Uint8Array {
  return encoding.encode((encoder) => {
    if (kind === 'awareness') encoding.writeVarUint(encoder, AWARENESS)
    else {
      encoding.writeVarUint(encoder, SYNC)
      encoding.writeVarUint(encoder, KINDS.indexOf(kind))
    }
    encoding.writeVarUint8Array(encoder, payload)
  })
}

/** Throws an Error that says what was expected and what came. */
export function decode(bytes: Uint8Array): Message {
  const decoder = decoding.createDecoder(bytes)
  const type = decoding.readVarUint(decoder)
  const kind = type === AWARENESS ? 'awareness' : type === SYNC ? KINDS[decoding.readVarUint(decoder)] : undefined
  if (!kind) throw new Error(`expected a sync or awareness message, got the bytes ${bytes.slice(0, 4).join(' ')}`)
  const payload = decoding.readVarUint8Array(decoder)
  if (decoding.hasContent(decoder)) throw new Error(`expected the message to end at byte ${decoder.pos}, got ${bytes.length} bytes`)
  return { kind, payload }
}
