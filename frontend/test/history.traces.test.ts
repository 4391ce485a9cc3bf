// @vitest-environment happy-dom
/** Recorded sessions, keystroke by keystroke, as three people who take turns: what is drawn is what the recording says, letter by letter. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import type { Group } from '../src/history/chunks'
import { Past } from '../src/history/past'
import { BODY } from '../src/schema'
import { author, paper } from './canonical'
import { dice, seed } from './seed'

/** Positions count code points. */
interface Trace { startContent: string; endContent: string; txns: { patches: [position: number, deleted: number, inserted: string][] }[] }

const FOLDER = process.env.PALIMPSEST_TRACES ?? resolve(import.meta.dirname, '../../../shared/traces')
/** Of a long one the beginning. */
const KEYSTROKES = 12_000
const PEOPLE = 3

const traces: [name: string, read: () => Trace][] = existsSync(FOLDER)
  ? readdirSync(FOLDER).filter((name) => name.endsWith('.json.gz')).map((name) => [name, () => JSON.parse(gunzipSync(readFileSync(resolve(FOLDER, name))).toString()) as Trace])
  : [[`generated, because there are none in ${FOLDER}`, generated]]

/** Of the same shape: typing with slips, jumps, and parts that are moved. */
function generated(): Trace {
  const roll = dice()
  const txns: Trace['txns'] = []
  let [length, at] = [0, 0]
  while (txns.length < 6000) {
    if (roll(40) === 0) at = roll(length + 1)
    if (roll(10) < 3 && at > 0) {
      txns.push({ patches: [[--at, 1, '']] })
      length -= 1
    } else {
      txns.push({ patches: [[at++, 0, roll(30) ? String.fromCharCode(97 + roll(26)) : '𝄞']] })
      length += 1
    }
  }
  return { startContent: '', endContent: '', txns }
}

interface Letter { character: string; user: number }

/** The log of a recording, and how each moment reads. */
function typed({ startContent, txns }: Trace): { groups: Group[]; lettersAt: (n: number) => Letter[] } {
  const doc = new Y.Doc()
  const text = new Y.XmlText()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  doc.clientID = 1
  const code = new Y.XmlElement('codeBlock')
  code.insert(0, [text])
  doc.transact(() => {
    doc.getXmlFragment(BODY).insert(0, [code])
    text.insert(0, startContent)
  })
  const steps: { user: number; patches: Trace['txns'][number]['patches'] }[] = [{ user: 1, patches: [[0, 0, startContent]] }]
  // UTF-16 units stand where the recording counts code points.
  let letters: string[] = [...startContent]
  const isPlain = txns.every(({ patches }) => patches.every(([, , inserted]) => !/[\ud800-\udfff]/.test(inserted)))
  for (const [at, { patches }] of txns.slice(0, KEYSTROKES).entries()) {
    const user = 1 + (Math.floor(at / 40) % PEOPLE)
    doc.clientID = user
    doc.transact(() => {
      for (const [position, deleted, inserted] of patches) {
        const unit = isPlain ? position : letters.slice(0, position).join('').length
        const length = isPlain ? deleted : letters.slice(position, position + deleted).join('').length
        if (length) text.delete(unit, length)
        if (inserted) text.insert(unit, inserted)
        if (!isPlain) letters.splice(position, deleted, ...inserted)
      }
    })
    if (updates.length > steps.length) steps.push({ user, patches })
  }
  letters = []
  const lettersAt = (n: number) => {
    const read: Letter[] = []
    for (const { user, patches } of steps.slice(0, n))
      for (const [position, deleted, inserted] of patches) read.splice(position, deleted, ...[...inserted].map((character) => ({ character, user })))
    return read
  }
  const groups = updates.map((update, at): Group => ({ first: at + 1, last: at + 1, user: steps[at]?.user ?? null, session: '1', time: at * 400, update }))
  return { groups, lettersAt }
}

const reads = (letters: readonly Letter[]) => letters.map(({ character }) => character).join('')

for (const [name, trace] of traces)
  test(`${name} (seed ${seed})`, async () => {
    const { groups, lettersAt } = typed(trace())
    const roll = dice()
    const past = await Past.of(groups, author)
    const [into, code] = [paper(), () => into.body.querySelector('code') as HTMLElement]
    const moments = Array.from({ length: 8 }, () => 1 + roll(groups.length)).sort((a, b) => a - b)
    for (const n of moments) {
      past.drawMoment(into, n)
      expect(code().textContent, `after ${n}`).toBe(reads(lettersAt(n)))
    }
    const [from, to] = [moments[2] as number, moments[6] as number]
    past.drawDifference(into, from, to, null)
    const without = (left: string) => {
      const copy = code().cloneNode(true) as HTMLElement
      for (const element of copy.querySelectorAll(left)) element.remove()
      return copy.textContent
    }
    expect(without('del'), `${from} to ${to}`).toBe(reads(lettersAt(to)))
    expect(without('ins'), `${from} to ${to}`).toBe(reads(lettersAt(from)))
    const shares = past.drawAuthors(into, 'person', undefined)
    const written = lettersAt(groups.length)
    const drawn = [...code().childNodes].flatMap((span) => [...(span.textContent ?? '')].map((character): Letter => ({ character, user: Number((span as HTMLElement).dataset.author) })))
    expect(drawn).toEqual(written)
    for (const { user, characters } of shares) expect(characters).toBe(reads(written.filter((letter) => letter.user === user)).length)
    past.destroy()
  }, 120_000)
