// Writers of rich text with Yjs itself, driven by lines of JSON: [writer, command, argument] in, one answer out.
// `begin` makes new writers; `read` says what a log is to Yjs, `follow` also what Yjs adds when it reads entry by entry.
// Usage: node yjs_writers.mjs FOLDER-WITH-NODE_MODULES
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const Y = createRequire(process.argv[2] + '/')('yjs')

let state = 0
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
    if (node.length && roll < 0.2) node.delete(below(node.length), 1)
    else if (node.length && roll < 0.28) this.rearrange(node, below(node.length))
    else if (node instanceof Y.XmlElement && roll < 0.45) {
      if (random() < 0.3) node.removeAttribute(pick(['level', 'class']))
      else node.setAttribute(pick(['level', 'class', 'checked']), pick(['1', 'two', 3, null, true, { a: ['ü😀', 0.1] }]))
    } else if (roll < 0.75 || node === this.body) { // text stands only in elements
      const inside = new Y.XmlElement('paragraph')
      inside.setAttribute('class', 'x')
      inside.insert(0, [new Y.XmlText(pick(WORDS))])
      node.insert(below(node.length + 1), [random() < 0.15 ? table() : inside])
    } else node.insert(below(node.length + 1), [new Y.XmlText(pick(WORDS))])
  }

  // Move a child, cut a paragraph in two, or join it with the next: to Yjs these are deletions and copies.
  rearrange (node, at) {
    const child = node.get(at)
    const roll = random()
    if (roll < 0.4) {
      const copy = child.clone()
      node.delete(at, 1)
      node.insert(below(node.length + 1), [copy])
    } else if (child instanceof Y.XmlElement) {
      const text = child.toArray().find((inside) => inside instanceof Y.XmlText)
      if (!text) return
      if (roll < 0.7) {
        const units = text.toDelta().map(({ insert }) => typeof insert === 'string' ? insert : '\ufffc').join('')
        let from = below(units.length + 1)
        if (/[\udc00-\udfff]/.test(units[from] ?? '')) from--
        const rest = text.toDelta().map(({ insert }) => typeof insert === 'string' ? insert : '').join('').slice(from)
        text.delete(from, text.length - from)
        const next = new Y.XmlElement(child.nodeName)
        next.insert(0, [new Y.XmlText(rest)])
        node.insert(at + 1, [next])
      } else if (node.get(at + 1) instanceof Y.XmlElement) {
        const words = node.get(at + 1).toArray().filter((inside) => inside instanceof Y.XmlText).map(String).join('')
        node.delete(at + 1, 1)
        text.insert(text.length, words.replace(/<[^>]*>/g, '') || '.')
      }
    }
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

const table = () => {
  const whole = new Y.XmlElement('table')
  for (let rows = 0; rows < 2; rows++) {
    const row = new Y.XmlElement('tableRow')
    for (let cells = 0; cells < 2; cells++) {
      const cell = new Y.XmlElement('tableCell')
      cell.setAttribute('colspan', 1 + cells)
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText(pick(WORDS))])
      cell.insert(0, [paragraph])
      row.insert(cells, [cell])
    }
    whole.insert(rows, [row])
  }
  return whole
}

// All that can be read, in the shape that `writers.readable` gives it.
const pairs = (object) => Object.entries(object ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
const runs = (text) => {
  const out = []
  for (const { insert, attributes } of text.toDelta()) {
    const marks = JSON.stringify(pairs(attributes))
    if (typeof insert === 'string' && typeof out.at(-1)?.[0] === 'string' && out.at(-1)[2] === marks) out.at(-1)[0] += insert
    else out.push([insert, pairs(attributes), marks])
  }
  return out.map(([insert, marks]) => [insert, marks])
}
const readable = (node) => {
  if (node instanceof Y.XmlText) return [runs(node), pairs(node.getAttributes())]
  const children = node.toArray().map(readable)
  return node instanceof Y.XmlElement ? [node.nodeName, pairs(node.getAttributes()), children] : children
}

const said = (doc, title, body) => ({
  vector: base64(Y.encodeStateVector(doc)),
  state: base64(Y.encodeStateAsUpdate(doc)),
  content: [runs(title), readable(body)],
  pending: doc.store.pendingStructs !== null || doc.store.pendingDs !== null
})

let writers = []
const base64 = (bytes) => Buffer.from(bytes).toString('base64')
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'))
const commands = {
  begin: (_, [seed, ...ids]) => {
    state = (Number(seed) * 2654435761 + 1) >>> 0
    writers = ids.map((id) => new Writer(Number(id)))
  },
  read: (_, updates) => {
    const doc = new Y.Doc()
    const title = doc.getText('title')
    const body = doc.getXmlFragment('body')
    doc.transact((transaction) => {
      for (const update of updates) Y.applyUpdate(doc, bytes(update))
      transaction.local = true // Yjs tidies up formats only behind others
    })
    return said(doc, title, body)
  },
  follow: (_, updates) => {
    const doc = new Y.Doc()
    const title = doc.getText('title')
    const body = doc.getXmlFragment('body')
    const tidied = []
    doc.on('update', (update, origin) => { if (origin !== 'others') tidied.push(base64(update)) })
    for (const update of updates) Y.applyUpdate(doc, bytes(update), 'others')
    return { ...said(doc, title, body), tidied }
  },
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
