/** A server in memory that follows sync/README.md, with a network that delays and loses. For tests of the provider. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { Link, LinkEvents, OpenLink, Problem } from '../src/link'
import { decode, encode, type Message } from '../src/messages'
import type { Identity } from '../src/whereabouts'
import type { Role } from '../src/api'

interface Visitor { user: Identity | null; role: Role }

export class Server {
  doc = new Y.Doc()
  epoch = 'first'
  /** Why nobody is let in. */
  closedTo: Problem | null = null
  seq = 0
  /** Every update that was new, as in the log. */
  log: Uint8Array[] = []
  private connections = new Set<Connection>()
  /** What the next messages are answered with instead of being taken. */
  refusals: Problem[] = []
  /** The network is away. */
  down = false
  joins = 0

  /** `delay`: milliseconds on the way, for each packet. Packets of one connection keep their order. */
  constructor(readonly delay: () => number = () => 5) {
    this.doc.gc = false
  }

  /** The way here for this person; `visitor` may change at any time. */
  link(visitor: Visitor): OpenLink {
    return (events) => {
      let connection: Connection | null = null
      const link: Link = {
        open: () => {
          if (connection?.alive) return
          const made = new Connection(this, visitor, events)
          connection = made
          setTimeout(() => {
            if (this.down || !made.alive) return made.cut()
            this.connections.add(made)
            events.opened()
          }, this.delay())
        },
        close: () => connection?.cut(),
        ask: (event, argument) => connection?.ask(event, argument) ?? Promise.reject(new Error('expected an open connection')),
      }
      return link
    }
  }

  /** All connections, or those of one person, are lost with everything that is under way on them. */
  cut(visitor?: Visitor): void {
    for (const connection of [...this.connections]) if (!visitor || connection.visitor === visitor) connection.cut()
  }

  expel(problem: Problem): void {
    for (const connection of this.connections) connection.expel(problem)
  }

  drain(delay: number): void {
    for (const connection of this.connections) connection.send(() => connection.events.drain(delay))
  }

  left(connection: Connection): void {
    this.connections.delete(connection)
  }

  others(than: Connection): Connection[] {
    return [...this.connections].filter((connection) => connection !== than && connection.client !== null)
  }

  /** Null: it does not continue what is here. Else the entry that holds it. */
  take(update: Uint8Array): { seq: number; fresh: boolean } | null {
    const { from } = Y.parseUpdateMeta(update)
    for (const [client, clock] of from) if (clock > Y.getState(this.doc.store, client)) return null
    let fresh = false
    const notice = () => (fresh = true)
    this.doc.on('update', notice)
    Y.applyUpdate(this.doc, update)
    this.doc.off('update', notice)
    if (this.doc.store.pendingStructs || this.doc.store.pendingDs) throw new Error('expected an update that can be merged')
    if (fresh) {
      this.seq += 1
      this.log.push(update)
    }
    return { seq: this.seq, fresh }
  }
}

class Connection {
  alive = true
  client: number | null = null
  present: Uint8Array | null = null
  private readonly waiting = new Set<(error: Error) => void>()
  private free = 0

  constructor(private readonly server: Server, readonly visitor: Visitor, readonly events: LinkEvents) {}

  cut(): void {
    if (!this.alive) return
    this.alive = false
    this.leave()
    this.server.left(this)
    for (const reject of this.waiting) reject(new Error('the connection was lost'))
    this.events.closed()
  }

  /** The others are told, with a clock above that of what they saw last. */
  private leave(): void {
    if (this.present) {
      const decoder = decoding.createDecoder(this.present)
      decoding.readVarUint(decoder)
      const payload = encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 1)
        encoding.writeVarUint(encoder, decoding.readVarUint(decoder))
        encoding.writeVarUint(encoder, decoding.readVarUint(decoder) + 1)
        encoding.writeVarString(encoder, 'null')
      })
      for (const other of this.server.others(this)) other.message({ kind: 'awareness', payload })
    }
    this.present = this.client = null
  }

  expel(problem: Problem): void {
    this.leave()
    this.send(() => this.events.expelled(problem))
  }

  /** Later, in order, if the connection is still there. */
  send(deliver: () => void): void {
    const at = Math.max(this.free, Date.now() + this.server.delay())
    this.free = at
    setTimeout(() => this.alive && deliver(), at - Date.now())
  }

  private message(message: Message, seq = 0): void {
    const bytes = encode(message)
    this.send(() => this.events.message(bytes, seq))
  }

  ask(event: string, argument: unknown): Promise<unknown> {
    if (!this.alive) return Promise.reject(new Error('expected an open connection'))
    return new Promise((resolve, reject) => {
      this.waiting.add(reject)
      this.send(() => {
        const { answer, then } = this.handle(event, argument)
        this.send(() => {
          this.waiting.delete(reject)
          resolve(answer)
        })
        then?.()
      })
    })
  }

  private handle(event: string, argument: unknown): { answer: unknown; then?: () => void } {
    if (event === 'leave') {
      this.leave()
      return { answer: {} }
    }
    if (event === 'join') return { answer: this.join(argument as { client: number; epoch: string | null }) }
    if (this.client === null) return { answer: { error: 'not-joined', message: 'expected a join before a message' } }
    const { kind, payload } = decode(argument as Uint8Array)
    if (kind === 'step1') return { answer: {}, then: () => this.greet(payload) }
    if (kind === 'awareness') {
      this.present = payload
      for (const other of this.server.others(this)) other.message({ kind, payload })
      return { answer: {} }
    }
    return { answer: this.update(payload) }
  }

  private join({ client, epoch }: { client: number; epoch: string | null }): unknown {
    if (this.client !== null) return { error: 'malformed', message: 'expected to be asked once' }
    if (this.server.closedTo) return this.server.closedTo
    if (epoch !== null && epoch !== this.server.epoch) return { error: 'epoch', message: 'history was rewritten' }
    this.client = client
    this.server.joins += 1
    const { role, user } = this.visitor
    return { role, user, epoch: this.server.epoch, seq: this.server.seq, filled: 0 }
  }

  private greet(stateVector: Uint8Array): void {
    const { doc, seq } = this.server
    this.message({ kind: 'step2', payload: Y.encodeStateAsUpdate(doc, stateVector) }, seq)
    this.message({ kind: 'step1', payload: Y.encodeStateVector(doc) }, seq)
    for (const { present } of this.server.others(this)) if (present) this.message({ kind: 'awareness', payload: present })
  }

  private update(update: Uint8Array): unknown {
    const refusal = this.server.refusals.shift()
    if (refusal) return refusal
    if (this.visitor.role === 'viewer') return { error: 'denied', message: 'you may only read' }
    const taken = this.server.take(update)
    if (!taken) return { error: 'resync', message: 'it does not continue what the server has' }
    if (taken.fresh) for (const other of this.server.others(this)) other.message({ kind: 'update', payload: update }, taken.seq)
    return { seq: taken.seq }
  }
}
