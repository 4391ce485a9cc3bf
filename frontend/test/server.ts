/** A server in memory that follows sync/README.md, with a network that delays and loses. For tests of the provider. */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { NONE, told, union, without, type Ids } from '../src/ids'
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
  /** Every update that was new, as in the log, and who sent it. */
  log: { update: Uint8Array; user: Identity | null }[] = []
  private connections = new Set<Connection>()
  /** What the next messages are answered with instead of being taken. */
  refusals: Problem[] = []
  /** The network is away. */
  down = false
  /** And for these. */
  readonly unreached = new Set<Visitor>()
  joins = 0

  private deleted: Ids = NONE
  private waiting: { from: Connection; update: Uint8Array; seq: number; answer: () => void }[] = []
  private settled: (() => void)[] = []
  private readonly cuts = new Set<Visitor>()

  /**
   * `delay`: milliseconds on the way, for each packet. Packets of one connection keep their order.
   * `commit`: milliseconds that a commit takes; what comes meanwhile is shown together, and then answered.
   */
  constructor(readonly delay: (visitor: Visitor) => number = () => 5, private readonly commit: () => number = () => 0) {}

  /** Call `then` when nobody is ahead of what has been shown. */
  whenSettled(then: () => void): void {
    if (this.waiting.length) this.settled.push(then)
    else then()
  }

  /** Show it and answer, once it is committed. */
  publish(from: Connection, update: Uint8Array, seq: number, answer: () => void): void {
    if (this.cuts.delete(from.visitor)) from.cut()
    this.waiting.push({ from, update, seq, answer })
    if (this.waiting.length > 1) return
    const show = () => {
      const batch = this.waiting.splice(0)
      const senders = new Set(batch.map((one) => one.from))
      const message: Message = { kind: 'update', payload: batch.length > 1 ? Y.mergeUpdates(batch.map((one) => one.update)) : update }
      for (const connection of this.connections)
        if (connection.greeted && !(senders.size === 1 && senders.has(connection))) connection.message(message, batch.at(-1)?.seq)
      for (const one of batch) one.answer()
      for (const then of this.settled.splice(0)) then()
    }
    const time = this.commit()
    if (time) setTimeout(show, time)
    else show()
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
            if (this.down || this.unreached.has(visitor) || !made.alive) return made.cut()
            this.connections.add(made)
            events.opened()
          }, this.delay(visitor))
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

  /** The connection of this person is lost as soon as the server has their next edit, before they hear of that. */
  cutAfter(visitor: Visitor): void {
    this.cuts.add(visitor)
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
  take(update: Uint8Array, user: Identity | null): { seq: number; fresh: boolean } | null {
    const { from } = Y.parseUpdateMeta(update)
    for (const [client, clock] of from) if (clock > Y.getState(this.doc.store, client)) return null
    // What goes with what holds it has not been deleted by name.
    const { inserts, deletes } = told(update)
    const fresh = [...inserts.clients].some(([client, ranges]) => ranges.some(({ clock, len }) => clock + len > Y.getState(this.doc.store, client))) || without(deletes, this.deleted).clients.size > 0
    this.deleted = union([this.deleted, deletes])
    Y.applyUpdate(this.doc, update)
    if (this.doc.store.pendingStructs || this.doc.store.pendingDs) throw new Error('expected an update that can be merged')
    if (fresh) {
      this.seq += 1
      this.log.push({ update, user })
    }
    return { seq: this.seq, fresh }
  }
}

class Connection {
  alive = true
  /** It has what the server had, and gets what comes. */
  greeted = false
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
    this.greeted = false
  }

  expel(problem: Problem): void {
    this.leave()
    this.send(() => this.events.expelled(problem))
  }

  /** Later, in order, if the connection is still there. */
  send(deliver: () => void): void {
    const at = Math.max(this.free, Date.now() + this.server.delay(this.visitor))
    this.free = at
    setTimeout(() => this.alive && deliver(), at - Date.now())
  }

  message(message: Message, seq = 0): void {
    const bytes = encode(message)
    this.send(() => this.events.message(bytes, seq))
  }

  ask(event: string, argument: unknown): Promise<unknown> {
    if (!this.alive) return Promise.reject(new Error('expected an open connection'))
    return new Promise((resolve, reject) => {
      this.waiting.add(reject)
      this.send(() => {
        this.handle(event, argument, (answer) =>
          this.send(() => {
            this.waiting.delete(reject)
            resolve(answer)
          }),
        )
      })
    })
  }

  private handle(event: string, argument: unknown, answer: (answer: unknown) => void): void {
    if (event === 'leave') {
      this.leave()
      return answer({})
    }
    if (event === 'join') return answer(this.join(argument as { client: number; epoch: string | null }))
    if (this.client === null) return answer({ error: 'not-joined', message: 'expected a join before a message' })
    const { kind, payload } = decode(argument as Uint8Array)
    if (kind === 'step1') {
      answer({})
      return this.server.whenSettled(() => this.greet(payload))
    }
    if (kind === 'awareness') {
      this.present = payload
      for (const other of this.server.others(this)) other.message({ kind, payload })
      return answer({})
    }
    this.update(payload, answer)
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
    if (!this.alive || this.client === null) return
    const { doc, seq } = this.server
    this.message({ kind: 'step2', payload: Y.encodeStateAsUpdate(doc, stateVector) }, seq)
    this.message({ kind: 'step1', payload: Y.encodeStateVector(doc) }, seq)
    for (const { present } of this.server.others(this)) if (present) this.message({ kind: 'awareness', payload: present })
    this.greeted = true
  }

  private update(update: Uint8Array, answer: (answer: unknown) => void): void {
    const refusal = this.server.refusals.shift()
    if (refusal) return answer(refusal)
    if (this.visitor.role === 'viewer') return answer({ error: 'denied', message: 'you may only read' })
    const taken = this.server.take(update, this.visitor.user)
    if (!taken) return answer({ error: 'resync', message: 'it does not continue what the server has' })
    const saved = () => answer({ seq: taken.seq })
    if (taken.fresh) this.server.publish(this, update, taken.seq, saved)
    else this.server.whenSettled(saved)
  }
}
