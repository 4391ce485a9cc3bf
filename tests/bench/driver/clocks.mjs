import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'

const MOST = 512 // messages that are remembered

/** What messages say about clocks, [[client, clock before it, clock after it]]. Everybody gets the same bytes: they are read once. */
class Clocks {
  #known = new Map()
  #last
  #found

  constructor(read) {
    this.#read = read
  }

  #read

  of(data) {
    if (this.#last?.length === data.length && Buffer.compare(this.#last, data) === 0) return this.#found
    const key = Buffer.prototype.latin1Slice.call(data, 0, data.length)
    let found = this.#known.get(key)
    if (!found) {
      found = this.#read(data)
      if (this.#known.size >= MOST) this.#known.clear()
      this.#known.set(key, found)
    }
    this.#last = data
    this.#found = found
    return found
  }
}

export const updateClocks = () => new Clocks((update) => {
  const { from, to } = Y.parseUpdateMeta(update)
  return [...to].map(([client, clock]) => [client, from.get(client), clock])
})

export const awarenessClocks = () => new Clocks((states) => {
  const decoder = decoding.createDecoder(states)
  return Array.from({ length: decoding.readVarUint(decoder) }, () => {
    const found = [decoding.readVarUint(decoder), 0, decoding.readVarUint(decoder)] // a state needs none before it
    decoding.readVarString(decoder)
    return found
  })
})
