// What the adapters have in common: a bare WebSocket, and the framing of y-protocols.
//
// An adapter exports connect({ url, document, cookie, client, transport, heard, moved }), which returns
//   ready      a promise of the document's state, one update
//   send(update, acked)   acked(error): called when the server has acknowledged it, where the protocol has that
//   place(states)         say where this client's caret is: awareness states of y-protocols
//   user       who the server says we are, once ready: part of awareness states
//   close(), closed (why it ended, or undefined), traffic() -> { in, out } bytes
// heard(update) is called for each update that arrives, moved(states) for awareness.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import WebSocket from 'ws'
import { promised } from '../time.mjs'

export { decoding, encoding }

export const SYNC = 0
export const AWARENESS = 1
export const STEP1 = 0
export const STEP2 = 1
export const UPDATE = 2

export const NOTHING_KNOWN = new Uint8Array([0]) // a state vector
export const NO_CHANGE = new Uint8Array([0, 0]) // an update

/** The bytes that `write` writes. */
export const bytes = (write) => {
  const encoder = encoding.createEncoder()
  write(encoder)
  return encoding.toUint8Array(encoder)
}

export const sync = (step, body) => bytes((encoder) => {
  encoding.writeVarUint(encoder, SYNC)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, body)
})

export const awareness = (states) => bytes((encoder) => {
  encoding.writeVarUint(encoder, AWARENESS)
  encoding.writeVarUint8Array(encoder, states)
})

/** A WebSocket that fails `ready` if it ends before the document is there. */
export const open = (url, cookie) => {
  const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true, maxPayload: 0, headers: cookie ? { cookie } : {} })
  socket.binaryType = 'nodebuffer'
  const state = promised()
  const connection = {
    ready: state.promise,
    closed: undefined,
    close: () => socket.close(),
    traffic: () => ({ in: socket._socket?.bytesRead ?? 0, out: socket._socket?.bytesWritten ?? 0 }),
  }
  const ended = (why) => {
    connection.closed ??= why
    state.reject(new Error(why))
  }
  socket.on('error', (error) => ended(error.message))
  socket.on('close', (code) => ended(`closed with ${code}`))
  return { socket, state, connection, ended }
}

/** What a message of y-protocols says, to whoever wants to hear it. The first answer to our question is the state. */
export const listener = (state, heard, moved, answer) => {
  let there = false
  return (decoder) => {
    const kind = decoding.readVarUint(decoder)
    if (kind === AWARENESS) {
      moved?.(decoding.readVarUint8Array(decoder))
    } else if (kind === SYNC) {
      const step = decoding.readVarUint(decoder)
      const body = decoding.readVarUint8Array(decoder)
      if (step === STEP1) {
        answer(body)
      } else if (step === STEP2 && !there) {
        there = true
        state.resolve(body)
      } else {
        heard(body)
      }
    }
  }
}
