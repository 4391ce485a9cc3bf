import * as Y from 'yjs'
import { Caret } from './caret.mjs'
import { awarenessClocks, updateClocks } from './clocks.mjs'
import { Samples } from './samples.mjs'
import { atOnce, now, sleep, within } from './time.mjs'
import { read, Writer } from './writer.mjs'

const PATIENCE = 30_000 // ms for a document to open
const AT_ONCE = 50 // documents that are opened at the same time
const LOOKED_AT = 20 // documents that are compared in the end

/**
 * All who have documents open. An edit of a writer is visible at a connection when an update has come there that reaches
 * the clock after the edit, and nothing before it is missing: a message that holds several edits shows each of them. The
 * writer's own echo does not count.
 */
export class Crowd {
  constructor({ connect, urls, documents, cookies, transport, applying = {}, scattered, random }) {
    this.notes = documents.map((name, number) => ({ name, url: urls[number % urls.length], writers: [], readers: [], byClient: new Map(), clocks: updateClocks(), places: awarenessClocks() }))
    this.connections = []
    this.since = Infinity // edits that were sent from then on are timed
    this.visible = new Samples() // ms
    this.acked = new Samples()
    this.edits = this.shown = this.messages = 0
    this.#connect = connect
    this.#urls = urls
    this.#scattered = scattered
    this.#cookies = cookies
    this.#transport = transport
    this.#applying = { writers: true, readers: 0, ...applying }
    this.#random = random
  }

  #connect
  #urls
  #scattered
  #cookies
  #transport
  #applying
  #random
  #carets = false
  #links = 0

  /** So many writers and readers open each note. The first of each comes before all others, and begins its paragraph. */
  async gather({ writers, readers }) {
    const come = ([note, kind]) => this.#open(note, kind, writers)
    const people = [...Array(writers).fill('writer'), ...Array(readers).fill('reader')]
    await atOnce(AT_ONCE, this.notes, async (note) => {
      const first = await come([note, people[0]])
      if (first.writer) await this.fill(note, first, [first.writer.begin()])
    })
    await atOnce(AT_ONCE, this.notes.flatMap((note) => people.slice(1).map((kind) => [note, kind])), come)
  }

  /** Send updates from a connection, and wait until a newcomer gets all of them. */
  async fill(note, from, updates) {
    const wanted = updates.length === 1 ? updates[0] : Y.mergeUpdates(updates)
    for (const update of updates) from.link.send(update)
    const clocks = Y.parseUpdateMeta(wanted).to
    const deadline = now() + PATIENCE
    for (;;) {
      const there = Y.parseUpdateMeta(await this.state(note)).to
      if ([...clocks].every(([client, clock]) => (there.get(client) ?? 0) >= clock)) return
      if (now() > deadline) throw new Error(`expected what was written in ${note.name} to be there`)
      await sleep(20)
    }
  }

  /** What a newcomer gets. */
  async state(note) {
    const link = this.link(note, 'readers', 0, { heard: () => {} })
    const state = await within(PATIENCE, note.name, link.ready)
    link.close()
    return state
  }

  /**
   * A connection of the nth person of a kind, writers or readers, to the server's process that has the note: the same for
   * all, or, `scattered`, each time the next one.
   */
  link(note, kind, number, more) {
    const cookies = this.#cookies[kind]
    const url = this.#scattered ? this.#urls[this.#links++ % this.#urls.length] : note.url
    return this.#connect({ url, document: note.name, cookie: cookies[number % cookies.length], client: new Y.Doc().clientID, ...more })
  }

  async #open(note, kind, writers) {
    const place = kind === 'writer' ? note.writers.length : note.readers.length
    const writer = kind === 'writer' ? new Writer(this.#random) : undefined
    const connection = { note, writer, index: place, seen: new Int32Array(writers), doc: undefined, link: undefined }
    if (writer) {
      note.writers.push(connection)
      note.byClient.set(writer.client, connection)
      if (this.#applying.writers) connection.doc = writer.doc
    } else {
      note.readers.push(connection)
      if (place < this.#applying.readers) connection.doc = new Y.Doc()
    }
    const heard = (update) => this.#heard(connection, update)
    const moved = (states) => this.#moved(connection, states)
    connection.link = writer
      ? this.link(note, 'writers', place, { client: writer.client, heard, moved })
      : this.link(note, 'readers', place, { transport: this.#transport, heard, moved })
    this.connections.push(connection)
    const state = await within(PATIENCE, note.name, connection.link.ready)
    for (const doc of new Set([writer?.doc, connection.doc])) if (doc) Y.applyUpdate(doc, state, 'remote')
    return connection
  }

  #heard(connection, update) {
    this.messages++
    if (connection.doc) Y.applyUpdate(connection.doc, update, 'remote')
    this.#show(connection, connection.note.clocks.of(update))
  }

  #moved(connection, states) {
    if (!this.#carets) return
    this.messages++
    this.#show(connection, connection.note.places.of(states))
  }

  #show(connection, clocks) {
    const time = now()
    for (const [client, before, clock] of clocks) {
      const from = connection.note.byClient.get(client)
      if (!from || from === connection) continue
      const { writer, index } = from
      let seen = connection.seen[index]
      if (before > (seen ? writer.clocks[seen - 1] : writer.start)) continue // something between is missing: nobody could show it
      for (; seen < writer.edits && writer.clocks[seen] <= clock; seen++) {
        this.shown++
        if (writer.sent[seen] >= this.since) this.visible.add(time - writer.sent[seen])
      }
      connection.seen[index] = seen
      if (seen > writer.shown) writer.shown = seen
    }
  }

  /** One edit of this writer. */
  edit({ writer, link }) {
    link.send(writer.write(), this.#counted(writer))
  }

  /** From now on all writers only move their carets: a move counts as an edit. */
  takeCarets() {
    this.#carets = true
    for (const connection of this.writers) connection.writer = new Caret(connection.writer.client, this.#random)
  }

  /** One move of this writer's caret. */
  move({ writer, link }) {
    link.place(writer.move(link.user), this.#counted(writer))
  }

  /** Counts what is about to be sent. Returns who waits for its acknowledgement. */
  #counted(writer) {
    const sent = writer.sent.at(-1)
    this.edits++
    return (refused) => {
      if (refused) {
        writer.refused ??= refused
        return
      }
      writer.acked++
      if (sent >= this.since) this.acked.add(now() - sent)
    }
  }

  get writers() {
    return this.notes.flatMap((note) => note.writers)
  }

  /** How many edits all together have still to see. */
  get missing() {
    const wanted = this.notes.reduce((sum, { writers, readers }) => sum + (writers.length + readers.length - 1) * writers.reduce((edits, each) => edits + each.writer.edits, 0), 0)
    return wanted - this.shown
  }

  /** Wait until everybody has seen everything, but not longer than so many ms. */
  async settle(patience) {
    const deadline = now() + patience
    while (this.missing && now() < deadline) await sleep(20)
    return this.missing
  }

  traffic() {
    return this.connections.reduce((sum, { link }) => {
      const { in: received, out } = link.traffic()
      return { in: sum.in + received, out: sum.out + out }
    }, { in: 0, out: 0 })
  }

  /** Why connections have ended or edits were refused, one sentence of each. */
  get complaints() {
    return [...new Set(this.connections.flatMap(({ link, writer }) => [link.closed, writer?.refused]).filter(Boolean))]
  }

  /** Sentences about what a newcomer, and those who apply what they hear, do not agree on. */
  async disagreements() {
    const found = []
    for (const note of this.notes.slice(0, LOOKED_AT)) {
      const { name, writers, readers } = note
      const fresh = new Y.Doc()
      Y.applyUpdate(fresh, await this.state(note))
      for (const { writer } of writers) {
        const there = Y.getState(fresh.store, writer.client)
        if (there !== writer.clock) found.push(`${name}: a newcomer has ${there} of the ${writer.clock} clocks of ${writer.client}`)
      }
      const copies = [...writers, ...readers].filter(({ doc }) => doc)
      const others = copies.filter(({ doc }) => read(doc) !== read(fresh)).length
      if (others) found.push(`${name}: ${others} of ${copies.length} copies differ from what a newcomer gets`)
    }
    return found
  }

  /** What the server has promised: of each note, up to which clock each writer's edits were acknowledged or shown. */
  get promises() {
    return Object.fromEntries(this.notes.map(({ name, writers }) => [name, Object.fromEntries(writers.map(({ writer }) => [writer.client, writer.promised]))]))
  }

  leave() {
    for (const { link } of this.connections) link.close()
  }
}
