// Writers of rich text with Yjs itself, driven by lines of JSON: [writer, command, argument] in, one answer out.
// Usage: node yjs_writers.mjs FOLDER-WITH-NODE_MODULES SEED CLIENT-ID...
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const [folder, seed, ...ids] = process.argv.slice(2)
const Y = createRequire(folder + '/')('yjs')

let state = (Number(seed) * 2654435761 + 1) >>> 0
const random = () => { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const below = (n) => Math.floor(random() * n)
const pick = (list) => list[below(list.length)]

const WORDS = ['a', 'of', 'hello ', 'naïve ', '日本語', '😀', 'x😀y', '\n', 'lorem ipsum dolor ', '👩‍👩‍👧']
const MARKS = [{ bold: {} }, { bold: null }, { link: { href: 'https://example.org/?q=é' } }, { link: null }, { code: true }]

class Writer {
  constructor (clientId) {
    this.doc = new Y.Doc()
    this.doc.clientID = clientId
    this.title = this.doc.getText('title')
    this.body = this.doc.getXmlFragment('body')
    this.undo = new Y.UndoManager([this.title, this.body], { trackedOrigins: new Set(['mine']), captureTimeout: 0 })
    this.unsent = []
    this.doc.on('update', (update, origin) => { if (origin !== 'others') this.unsent.push(update) })
  }

  edit () {
    const roll = random()
    if (roll < 0.08) this.undo.undo()
    else if (roll < 0.12) this.undo.redo()
    else this.doc.transact(() => { for (let n = pick([1, 1, 1, 2, 5]); n; n--) this.change() }, 'mine')
  }

  change () {
    const nodes = [this.body]
    for (const node of nodes) if (!(node instanceof Y.XmlText)) nodes.push(...node.toArray())
    const node = random() < 0.15 ? this.title : pick(nodes)
    if (node instanceof Y.Text) return this.write(node)
    const roll = random()
    if (node.length && roll < 0.25) node.delete(below(node.length), 1)
    else if (node instanceof Y.XmlElement && roll < 0.45) {
      if (random() < 0.3) node.removeAttribute(pick(['level', 'class']))
      else node.setAttribute(pick(['level', 'class', 'checked']), pick(['1', 'two', 3, null, true, { a: ['ü😀', 0.1] }]))
    } else if (roll < 0.75 || node === this.body) { // text stands only in elements
      const inside = new Y.XmlElement('paragraph')
      inside.setAttribute('class', 'x')
      inside.insert(0, [new Y.XmlText(pick(WORDS))])
      node.insert(below(node.length + 1), [inside])
    } else node.insert(below(node.length + 1), [new Y.XmlText(pick(WORDS))])
  }

  write (text) {
    const places = [0]
    for (const { insert } of text.toDelta()) {
      for (const piece of typeof insert === 'string' ? insert : [insert]) places.push(places.at(-1) + (piece.length ?? 1))
    }
    const [first, last] = [pick(places), pick(places)].sort((a, b) => a - b)
    const roll = random()
    if (roll < 0.3 && first < last) text.delete(first, last - first)
    else if (roll < 0.45 && first < last) text.format(first, last - first, pick(MARKS))
    else if (roll < 0.5) text.insertEmbed(first, { image: '/é.png' })
    else if (roll < 0.55) text.insert(first, pick(WORDS), pick(MARKS))
    else { text.insert(first, pick(WORDS)); if (random() < 0.3) text.insert(first, pick(WORDS)) }
  }
}

const writers = ids.map((id) => new Writer(Number(id)))
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'))
const commands = {
  edit: (writer) => writer.edit(),
  hear: (writer, update) => Y.applyUpdate(writer.doc, bytes(update), 'others'),
  take: (writer) => writer.unsent.splice(0).map(base64),
  merge: (writer, updates) => base64(Y.mergeUpdates(updates.map(bytes))),
  diff: (writer, vector) => base64(vector ? Y.encodeStateAsUpdate(writer.doc, bytes(vector)) : Y.encodeStateAsUpdate(writer.doc)),
  vector: (writer) => base64(Y.encodeStateVector(writer.doc)),
  pending: (writer) => writer.doc.store.pendingStructs !== null || writer.doc.store.pendingDs !== null
}
for await (const line of createInterface({ input: process.stdin })) {
  const [writer, command, argument] = JSON.parse(line)
  process.stdout.write(JSON.stringify(commands[command](writers[writer], argument) ?? null) + '\n')
}
