// Engine.IO 4, over a WebSocket and by long polling. Each link calls opened() when packets may be sent, and packet(bytes).
import { Agent, request } from 'node:http'
import { promised } from '../time.mjs'
import { open } from './framing.mjs'

const [OPEN, CLOSE, PING] = ['0', '1', '2']
const PONG = '3'
const SEPARATOR = '\x1e'

const address = (url, document, transport) => `${url}/socket.io/?EIO=4&transport=${transport}&doc=${document}`

const websocket = (url, document, cookie, { opened, packet }) => {
  const { socket, state, connection, ended } = open(address(url, document, 'websocket'), cookie)
  socket.on('message', (data, binary) => {
    if (binary) return packet(data)
    const kind = String.fromCharCode(data[0])
    if (kind === PING) socket.send(PONG)
    else if (kind === OPEN) opened()
    else if (kind === CLOSE) ended('the server ended the session')
  })
  return { state, connection, ended, deliver: (data) => socket.send(data) }
}

/** One request waits for what comes, another brings what is to be sent: what is emitted meanwhile goes with the next. */
const polling = (url, document, cookie, { opened, packet }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  const state = promised()
  const connection = { ready: state.promise, closed: undefined }
  let session = ''
  const traffic = { in: 0, out: 0 }
  const ended = (why) => {
    connection.closed ??= why
    state.reject(new Error(why))
    agent.destroy()
  }
  const ask = (method, body, answered) => {
    if (connection.closed) return
    let begun = false // an answer
    const asked = request(address(url.replace(/^ws/, 'http'), document, 'polling') + session, { agent, method, headers: cookie ? { cookie } : {} }, (answer) => {
      begun = true
      const parts = []
      answer.on('data', (part) => parts.push(part))
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString('latin1')
        traffic.in += text.length
        if (answer.statusCode === 200) answered(text)
        else ended(`HTTP ${answer.statusCode}: ${text}`)
      })
    })
    asked.on('error', (error) => {
      // The server may close a connection that rests just as it is used again: then the request is made anew, as browsers do.
      if (asked.reusedSocket && error.code === 'ECONNRESET' && !begun) ask(method, body, answered)
      else ended(error.message)
    })
    asked.end(body)
    traffic.out += body?.length ?? 0
  }
  const waiting = []
  let posting = false
  const post = () => {
    if (posting || !waiting.length || !session) return
    posting = true
    const body = waiting.splice(0, 64).join(SEPARATOR)
    ask('POST', body, () => {
      posting = false
      post()
    })
  }
  const send = (text) => {
    waiting.push(text)
    post()
  }
  const poll = () => ask('GET', undefined, (text) => {
    for (const each of text.split(SEPARATOR)) {
      const kind = each[0]
      if (kind === 'b') packet(Buffer.from(each.slice(1), 'base64'))
      else if (kind === PING) send(PONG)
      else if (kind === CLOSE) ended('the server ended the session')
      else if (kind === OPEN) {
        session = `&sid=${JSON.parse(each.slice(1)).sid}`
        opened()
      }
    }
    poll()
  })
  poll()
  return {
    state,
    ended,
    connection: Object.assign(connection, { close: () => ended('left'), traffic: () => traffic }),
    deliver: (data) => send(`b${Buffer.from(data).toString('base64')}`),
  }
}

export const links = { websocket, polling }
