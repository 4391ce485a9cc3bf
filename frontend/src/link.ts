/** One connection to the server: Socket.IO events in, acks out (sync/README.md). Knows nothing of docs. */
import { io } from 'socket.io-client'
import parser from 'socket.io-msgpack-parser'
import { rememberPolling, transports, worthTrying, type Transport } from './transport'

/** Why the server did not do it. `error` is a word of sync/README.md. `erased`: why the epoch is another. */
export interface Problem { error: string; message: string; retry_after?: number; erased?: boolean; first?: number; last?: number; has?: ArrayBuffer | Uint8Array<ArrayBuffer> }

/** Of the document itself: it was deleted, or how much of what it may hold it has (0 to 1). */
export interface News { deleted?: boolean; filled?: number }

export interface LinkEvents {
  opened(): void
  /** Also when an attempt to open it has failed. Nothing more comes until it is opened again. `problem`: to try again is of no use. */
  closed(problem?: Problem): void
  message(bytes: Uint8Array, seq: number): void
  expelled(problem: Problem): void
  drain(delay: number): void
  document(news: News): void
}

export interface Link {
  open(): void
  close(): void
  /** The ack. Rejects when none came within ten seconds or the connection was lost. */
  ask(event: 'join' | 'message' | 'leave', argument?: unknown): Promise<unknown>
}

export type OpenLink = (events: LinkEvents) => Link

const ACK_WITHIN = 10_000

/** A WebSocket that brought no connection within this time is held up on the way: some proxies swallow it without a word. */
const WEBSOCKET_WITHIN = 4000

/** Links to this document over Socket.IO. `server` is the page's own if it is not given. */
export const socketLink = (documentId: string, server = '', allowed = transports()): OpenLink => (events) => {
  const socket = io(server, {
    path: '/socket.io', parser, query: { doc: documentId },
    // Waiting is done in reconnect.ts, for every reason alike.
    reconnection: false, autoConnect: false, forceNew: true, timeout: ACK_WITHIN,
  })
  let state: 'closed' | 'opening' | 'open' = 'closed'
  /** What is tried now, and what is left to be tried if it brings nothing. */
  let trying: Transport | undefined
  let left: Transport[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function attempt(): void {
    trying = left.shift()
    socket.io.opts.transports = trying && [trying]
    timer = setTimeout(() => failed(null), trying === 'websocket' ? WEBSOCKET_WITHIN : ACK_WITHIN)
    socket.connect()
  }

  function failed(error: unknown): void {
    if (state !== 'opening' || !trying) return
    trying = undefined
    clearTimeout(timer)
    socket.disconnect()
    // Not within what Socket.IO does to end this one.
    if (left.length) timer = setTimeout(attempt)
    else {
      state = 'closed'
      events.closed(refusalIn(error))
    }
  }

  socket.on('connect', () => {
    clearTimeout(timer)
    if (trying === 'polling' && allowed.length > 1) rememberPolling()
    trying = undefined
    state = 'open'
    events.opened()
  })
  socket.on('disconnect', (_reason, details) => {
    if (state !== 'open') return failed(details)
    state = 'closed'
    events.closed()
  })
  socket.on('connect_error', failed)
  socket.on('message', (bytes: ArrayBuffer, seq: number) => events.message(new Uint8Array(bytes), seq))
  socket.on('expelled', (problem: Problem) => events.expelled(problem))
  socket.on('drain', ({ delay }: { delay: number }) => events.drain(delay))
  socket.on('document', (news: News) => events.document(news))
  return {
    open() {
      if (state !== 'closed') return
      state = 'opening'
      left = worthTrying(allowed)
      attempt()
    },
    close() {
      clearTimeout(timer)
      trying = undefined
      if (state === 'opening') state = 'closed'
      socket.disconnect()
    },
    async ask(event, argument) {
      // Socket.IO would keep it and send it after a reconnect, behind the back of whoever sends it again.
      if (!socket.connected) throw new Error(`expected an open connection for ${event}`)
      const words = argument === undefined ? [] : [argument instanceof Uint8Array ? packed(argument) : argument]
      return socket.timeout(ACK_WITHIN).emitWithAck(event, ...words)
    },
  }
}

/** The parser writes only an ArrayBuffer as bytes; of a view it would make a map of numbers. */
const packed = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer

/** The answer of a server that lets no page of this address in (the check of `Origin` in editor/entrance.py); undefined: it was not that. */
function refusalIn(error: unknown): Problem | undefined {
  const request = error && typeof error === 'object' && 'context' in error ? error.context : null
  if (typeof XMLHttpRequest === 'undefined' || !(request instanceof XMLHttpRequest) || request.status !== 403) return undefined
  if (!request.getResponseHeader('Content-Type')?.startsWith('application/problem+json')) return undefined
  return { error: 'origin', message: 'the server does not accept the address of this page' }
}
