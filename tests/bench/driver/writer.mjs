import * as Y from 'yjs'
import { now } from './time.mjs'

const LETTERS = 'etaoin shrdlu cmfwyp vbgkqjxz'
const LONGEST = 8 // characters of one edit
const JUMPS = 0.1 // of the edits are made somewhere else than the one before

/** The text of a note: its first paragraph's. */
const textOf = (doc) => doc.getXmlFragment('body').get(0)?.get(0)

export const read = (doc) => textOf(doc)?.toString() ?? ''

/** Somebody who writes, with a copy of the note. Each edit is one update; it is counted by the clock after it. */
export class Writer {
  constructor(random) {
    this.doc = new Y.Doc()
    this.client = this.doc.clientID
    this.start = 0 // our clock before the first edit
    this.edits = 0
    this.sent = [] // of each edit, when
    this.clocks = [] // and the clock of our client after it
    this.shown = 0 // so many edits somebody else has seen
    this.acked = 0 // so many edits the server has acknowledged
    this.refused = undefined // why an edit was, if any was
    this.#random = random
    this.doc.on('update', (update, origin) => { if (origin !== 'remote') this.#made = update })
  }

  #random
  #made
  #place = 0

  /** The paragraph in which all write, as one update. */
  begin() {
    this.doc.transact(() => {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText()])
      this.doc.getXmlFragment('body').insert(0, [paragraph])
    })
    this.start = this.clock
    return this.#made
  }

  /** Write up to eight letters, mostly where the last ones were. Returns the update. */
  write() {
    const text = textOf(this.doc)
    if (this.#random() < JUMPS || this.#place > text.length) this.#place = Math.floor(this.#random() * (text.length + 1))
    const letters = Array.from({ length: 1 + Math.floor(this.#random() * LONGEST) }, () => LETTERS[Math.floor(this.#random() * LETTERS.length)])
    text.insert(this.#place, letters.join(''))
    this.#place += letters.length
    this.edits++
    this.sent.push(now())
    this.clocks.push(this.clock)
    return this.#made
  }

  get clock() {
    return Y.getState(this.doc.store, this.client)
  }

  /** The clock up to which the server has promised something: it has acknowledged it, or shown it to somebody. */
  get promised() {
    const edits = Math.max(this.acked, this.shown)
    return edits ? this.clocks[edits - 1] : 0
  }
}
