import * as encoding from 'lib0/encoding'
import { bytes } from './adapters/framing.mjs'
import { now } from './time.mjs'

const LETTERS = 1000 // of the text in which it moves

/** Somebody's caret, counted as a Writer's edits are: each move has a clock of its own. */
export class Caret {
  constructor(client, random) {
    this.client = client
    this.start = 0
    this.edits = 0
    this.sent = []
    this.clocks = []
    this.shown = this.acked = 0
    this.refused = undefined
    this.#random = random
  }

  #random

  /** Move somewhere. Returns the awareness states that say so. */
  move(user) {
    const item = { client: this.client, clock: Math.floor(this.#random() * LETTERS) }
    const place = { type: null, tname: null, item, assoc: 0 }
    this.edits++
    this.sent.push(now())
    this.clocks.push(this.edits)
    return bytes((encoder) => {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarUint(encoder, this.client)
      encoding.writeVarUint(encoder, this.edits)
      encoding.writeVarString(encoder, JSON.stringify({ user, cursor: { anchor: place, head: place } }))
    })
  }
}
