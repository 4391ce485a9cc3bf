// Replays logs with Yjs itself: lines of JSON in, [update in base64, ...]; for each one line out: what the doc is then.
// Usage: node replay.mjs FOLDER-WITH-NODE_MODULES
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const Y = createRequire(process.argv[2] + '/')('yjs')

const tree = (node) => node instanceof Y.XmlText
  ? node.toDelta().map(({ insert, attributes }) => [insert, attributes ?? {}])
  : [node.nodeName, node.getAttributes(), node.toArray().map(tree)]

for await (const line of createInterface({ input: process.stdin })) {
  const doc = new Y.Doc()
  const title = doc.getText('title')
  const body = doc.getXmlFragment('body')
  for (const update of JSON.parse(line)) Y.applyUpdate(doc, Buffer.from(update, 'base64'))
  const pending = doc.store.pendingStructs !== null || doc.store.pendingDs !== null
  const clocks = Object.fromEntries(Y.decodeStateVector(Y.encodeStateVector(doc)))
  console.log(JSON.stringify({ title: title.toString(), body: body.toArray().map(tree), clocks, pending }))
}
