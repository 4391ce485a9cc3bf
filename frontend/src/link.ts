/** One connection to the server: Socket.IO events in, acks out (sync/README.md). Knows nothing of docs. */
import { io } from 'socket.io-client'
import parser from 'socket.io-msgpack-parser'
import { onDevice } from './storage'

/** Why the server did not do it. `error` is a word of sync/README.md. */
export interface Problem { error: string; message: string; retry_after?: number }

export interface LinkEvents {
  opened(): void
  /** Also when an attempt to open it has failed. Nothing more comes until it is opened again. */
  closed(): void
  message(bytes: Uint8Array, seq: number): void
  expelled(problem: Problem): void
  drain(delay: number): void
  document(news: { deleted?: boolean }): void
}

export interface Link {
  open(): void
  close(): void
  /** The ack. Rejects when none came within ten seconds or the connection was lost. */
  ask(event: 'join' | 'message' | 'leave', argument?: unknown): Promise<unknown>
}

export type OpenLink = (events: LinkEvents) => Link

const ACK_WITHIN = 10_000

/** Which transports may be used. `localStorage.transport` or `?transport=` name one of them alone, to try what a blocked network does. */
function transports(): string[] {
  const asked = typeof location === 'undefined' ? '' : location.search
  const named = new URLSearchParams(asked).get('transport') ?? onDevice.read('transport')
  const both = ['websocket', 'polling']
  return named && both.includes(named) ? [named] : both
}

/** Links to this document over Socket.IO. `server` is the page's own if it is not given. */
export const socketLink = (documentId: string, server = '', allowed = transports()): OpenLink => (events) => {
  const socket = io(server, {
    path: '/socket.io', parser, query: { doc: documentId }, transports: allowed, tryAllTransports: true,
    // Waiting is done in reconnect.ts, for every reason alike.
    reconnection: false, autoConnect: false, forceNew: true, timeout: ACK_WITHIN,
  })
  socket.on('connect', () => events.opened())
  socket.on('disconnect', () => events.closed())
  socket.on('connect_error', () => events.closed())
  socket.on('message', (bytes: ArrayBuffer, seq: number) => events.message(new Uint8Array(bytes), seq))
  socket.on('expelled', (problem: Problem) => events.expelled(problem))
  socket.on('drain', ({ delay }: { delay: number }) => events.drain(delay))
  socket.on('document', (news: { deleted?: boolean }) => events.document(news))
  return {
    open: () => void socket.connect(),
    close: () => void socket.disconnect(),
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
