// Our own protocol (sync/README.md): Socket.IO with MessagePack, by hand, so that one core can be hundreds of tabs.
import notepack from 'notepack.io'
import { awareness, decoding, listener, NOTHING_KNOWN, STEP1, sync, UPDATE } from './framing.mjs'
import { links } from './engine.mjs'

const CONNECT = 0
const EVENT = 2
const ACK = 3

export const connect = ({ url, document, cookie, client, transport = 'websocket', heard, moved }) => {
  const { state, connection, ended, deliver } = links[transport](url, document, cookie, {
    opened: () => packet({ type: CONNECT, nsp: '/' }),
    packet: (data) => take(notepack.decode(data)),
  })
  const packet = (content) => deliver(notepack.encode(content))
  const answers = new Map()
  let last = 0
  const emit = (event, content, answer) => {
    answers.set(++last, answer)
    packet({ type: EVENT, nsp: '/', data: [event, content], id: last })
  }
  // No answer to the server's own question: we lack nothing that it has not.
  const hear = listener(state, heard, moved, () => {})
  const take = ({ type, data, id }) => {
    if (type === ACK) {
      answers.get(id)?.(data[0]) // by polling, what was sent again may be answered twice
      answers.delete(id)
    } else if (type === EVENT && data[0] === 'message') {
      hear(decoding.createDecoder(data[1]))
    } else if (type === EVENT && data[0] === 'expelled') {
      ended(`expelled: ${data[1].error}: ${data[1].message}`)
    } else if (type === CONNECT) {
      emit('join', { document, client, schema: 1, epoch: null }, joined)
    }
  }
  const joined = (answer) => {
    if (answer.error) return ended(`${answer.error}: ${answer.message}`)
    connection.user = answer.user
    emit('message', Buffer.from(sync(STEP1, NOTHING_KNOWN)), (refused) => refused.error && ended(`${refused.error}: ${refused.message}`))
  }
  const say = (message, acked) => emit('message', Buffer.from(message.buffer, message.byteOffset, message.length), (answer) => {
    acked?.(answer.error && `${answer.error}: ${answer.message}`)
  })
  return Object.assign(connection, {
    send: (update, acked) => say(sync(UPDATE, update), acked),
    place: (states, acked) => say(awareness(states), acked),
  })
}
