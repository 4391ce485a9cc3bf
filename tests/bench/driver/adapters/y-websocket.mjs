// The protocol of y-websocket, which pycrdt-websocket speaks as well: one WebSocket for each document, named in its path.
import { awareness, decoding, listener, NO_CHANGE, NOTHING_KNOWN, open, STEP1, STEP2, sync, UPDATE } from './framing.mjs'

export const connect = ({ url, document, heard, moved }) => {
  const { socket, state, connection } = open(`${url}/${document}`)
  const hear = listener(state, heard, moved, () => socket.send(sync(STEP2, NO_CHANGE)))
  socket.on('open', () => socket.send(sync(STEP1, NOTHING_KNOWN)))
  socket.on('message', (data) => hear(decoding.createDecoder(data)))
  return Object.assign(connection, {
    user: { id: 0, name: 'Somebody', slot: 1 },
    send: (update) => socket.send(sync(UPDATE, update)),
    place: (states) => socket.send(awareness(states)),
  })
}
