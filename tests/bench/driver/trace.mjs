import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'

const TOGETHER = 500 // operations in one update
const PAPER = { inserts: 182_315, deletes: 77_463 } // of the automerge-paper trace
const STAYS = 0.96 // of the operations are made where the last one was

/** A session recorded keystroke by keystroke (github.com/josephg/editing-traces). Raises what does not give its text. */
export const recorded = (path) => {
  const data = readFileSync(path)
  const { txns, startContent = '', endContent } = JSON.parse(path.endsWith('.gz') ? gunzipSync(data) : data)
  const patches = txns.flatMap((each) => each.patches)
  if (startContent) patches.unshift([0, 0, startContent])
  const made = replay(patches)
  if (made.text !== endContent) throw new Error(`expected that ${path} gives its endContent, counted in UTF-16`)
  return made
}

/** Typing of the length of the automerge-paper trace: runs of letters and of backspaces, now and then somewhere else. */
export const generated = (random) => {
  const patches = []
  const left = { ...PAPER }
  let [length, place] = [0, 0]
  while (left.inserts || left.deletes) {
    if (random() > STAYS) place = Math.floor(random() * (length + 1))
    const erases = place && left.deletes && (!left.inserts || random() < 0.33)
    for (let run = 1 + Math.floor(random() * (erases ? 8 : 8 * PAPER.inserts / PAPER.deletes / 2)); run; run--) {
      if (erases && place && left.deletes) {
        patches.push([--place, 1, ''])
        left.deletes--
        length--
      } else if (!erases && left.inserts) {
        patches.push([place++, 0, String.fromCharCode(97 + Math.floor(random() * 26))])
        left.inserts--
        length++
      }
    }
    if (!place && !left.inserts) place = length
  }
  return replay(patches)
}

/** These operations as the updates of one client, in a note's first paragraph. */
const replay = (patches) => {
  const doc = new Y.Doc()
  const made = []
  doc.on('update', (update) => made.push(update))
  const text = new Y.XmlText()
  doc.transact(() => {
    const paragraph = new Y.XmlElement('paragraph')
    paragraph.insert(0, [text])
    doc.getXmlFragment('body').insert(0, [paragraph])
  })
  for (let from = 0; from < patches.length; from += TOGETHER) {
    const some = patches.slice(from, from + TOGETHER)
    doc.transact(() => {
      for (const [at, deleted, inserted] of some) {
        if (deleted) text.delete(at, deleted)
        if (inserted) text.insert(at, inserted)
      }
    })
  }
  return { updates: made, operations: patches.length, text: text.toString(), clocks: { [doc.clientID]: Y.getState(doc.store, doc.clientID) } }
}
