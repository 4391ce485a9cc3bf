// The protocol of Hocuspocus 4: each frame is the document's name, a kind, and the body of that kind.
import { bytes, decoding, encoding, listener, NO_CHANGE, NOTHING_KNOWN, open, STEP1, STEP2, UPDATE } from './framing.mjs'

const SYNC = 0
const AWARENESS = 1
const AUTH = 2
const SYNC_REPLY = 4
const SYNC_STATUS = 8
const DENIED = 1

export const connect = ({ url, document, heard, moved }) => {
  const { socket, state, connection, ended } = open(url)
  const frame = (kind, write) => bytes((encoder) => {
    encoding.writeVarString(encoder, document)
    encoding.writeVarUint(encoder, kind)
    write(encoder)
  })
  const sync = (kind, step, body) => frame(kind, (encoder) => {
    encoding.writeVarUint(encoder, step)
    encoding.writeVarUint8Array(encoder, body)
  })
  const waiting = [] // acknowledgements come in the order of the updates
  const hear = listener(state, heard, moved, () => {
    waiting.push(undefined)
    socket.send(sync(SYNC_REPLY, STEP2, NO_CHANGE))
  })
  socket.on('open', () => {
    socket.send(frame(AUTH, (encoder) => {
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarString(encoder, 'token')
    }))
    socket.send(sync(SYNC, STEP1, NOTHING_KNOWN))
  })
  socket.on('message', (data) => {
    const decoder = decoding.createDecoder(data)
    decoding.readVarString(decoder)
    const start = decoder.pos
    const kind = decoding.readVarUint(decoder)
    if (kind === AUTH) {
      if (decoding.readVarUint(decoder) === DENIED) ended(`denied: ${decoding.readVarString(decoder)}`)
    } else if (kind === SYNC_STATUS) {
      waiting.shift()?.(decoding.readVarUint(decoder) ? undefined : 'not applied')
    } else {
      if (kind === SYNC_REPLY) data[start] = SYNC // the same body
      decoder.pos = start
      hear(decoder)
    }
  })
  return Object.assign(connection, {
    user: { id: 0, name: 'Somebody', slot: 1 },
    send: (update, acked) => {
      waiting.push(acked)
      socket.send(sync(SYNC, UPDATE, update))
    },
    place: (states) => socket.send(frame(AWARENESS, (encoder) => encoding.writeVarUint8Array(encoder, states))),
  })
}
