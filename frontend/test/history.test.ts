// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import { NEVER } from '../src/history/authors'
import { drawnText, type Drawn } from '../src/history/drawn'
import { Past, type Paper } from '../src/history/past'
import { CHILD, type Strand } from '../src/history/strand'
import { Moment } from '../src/history/views'
import { unitAt } from '../src/history/wanted'
import { Weave } from '../src/history/weave'
import { BODY, TITLE } from '../src/schema'
import { author, drawn, edited, ofStrand, ofTypes, paper, skeleton } from './canonical'
import { dice, seed } from './seed'
import { replayed, schema, session, Writer, type Session } from './writers'

/** How many random sessions; SESSIONS=500 before something is trusted that was changed. */
const SESSIONS = Number(process.env.SESSIONS ?? 60)

const sessions = new Map<number, Session>()
const made = (at: number) => {
  let known = sessions.get(at)
  if (!known) sessions.set(at, (known = session(seed + at)))
  return known
}

test(`every moment is what a plain replay gives (seed ${seed})`, async () => {
  for (let at = 0; at < SESSIONS; at++) {
    const { groups } = made(at)
    const roll = dice(seed + at)
    const weave = new Weave()
    await weave.replay(groups)
    await weave.weave()
    const past = await Past.of(groups, author)
    const into = paper()
    for (let sample = 0; sample < 8; sample++) {
      const n = sample ? roll(groups.length + 1) : groups.length
      const doc = replayed(groups, n)
      const view = new Moment(n)
      const where = `session ${at} after ${n} of ${groups.length} groups`
      expect(ofStrand(weave.body, view), where).toEqual(ofTypes(doc.getXmlFragment(BODY)))
      past.drawMoment(into, groups[n - 1]?.last ?? 0)
      expect(into.title.textContent, where).toBe(doc.getText(TITLE).toString())
      expect(drawn(into), where).toBe(edited(ofTypes(doc.getXmlFragment(BODY))))
    }
    past.destroy()
    weave.destroy()
  }
}, 300_000)

test(`each character goes back to the group that wrote it, and to the one that deleted it (seed ${seed})`, async () => {
  for (let at = 0; at < SESSIONS; at++) {
    const { groups, inserted, deleted } = made(at)
    const weave = new Weave()
    await weave.replay(groups)
    await weave.weave()
    const look = (strand: Strand) => {
      for (let piece = 0; piece < strand.count; piece++) {
        for (let offset = 0; offset < (strand.start[piece + 1] as number) - (strand.start[piece] as number); offset++) {
          const id = `${strand.client[piece]} ${(strand.clock[piece] as number) + offset}`
          expect([strand.inserted[piece], strand.deleted[piece]], `session ${at}, ${id}`).toEqual([inserted.get(id), deleted.get(id) ?? NEVER])
        }
        if (strand.kind[piece] === CHILD) look(strand.child(piece))
      }
    }
    look(weave.title)
    look(weave.body)
    weave.destroy()
  }
}, 300_000)

test(`a difference without what was removed is the later moment, without what was added the earlier one (seed ${seed})`, async () => {
  for (let at = 0; at < SESSIONS; at++) {
    const { groups, writers, inserted, deleted } = made(at)
    /** Whoever really wrote, or deleted, each letter that is marked. */
    const checkAuthors = ({ title, body }: Paper, until: number, where: string) => {
      for (const element of [...title.querySelectorAll<HTMLElement>('ins, del'), ...body.querySelectorAll<HTMLElement>('ins, del')]) {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
        while (walker.nextNode()) {
          const text = drawnText.get(walker.currentNode) as Drawn
          for (let offset = 0; offset < (walker.currentNode.textContent ?? '').length; offset++) {
            const { client, clock } = text.strand.idAt(unitAt(text, offset))
            const group = (element.tagName === 'INS' ? inserted : deleted).get(`${client} ${clock}`)
            // What nobody deleted by itself, or only later, went with what it stood in.
            if (group !== undefined && group < until) expect(element.dataset.author, `${where}, ${client} ${clock}`).toBe(String(groups[group]?.user))
          }
        }
      }
    }
    const roll = dice(seed - at)
    const past = await Past.of(groups, author)
    const [into, whole] = [paper(), paper()]
    for (let sample = 0; sample < 5; sample++) {
      const [a, b] = [roll(groups.length + 1), roll(groups.length + 1)].sort((x, y) => x - y) as [number, number]
      const [from, to] = [groups[a - 1]?.last ?? 0, groups[b - 1]?.last ?? 0]
      const where = `session ${at} from ${from} to ${to}`
      const changes = past.drawDifference(into, from, to, null)
      checkAuthors(into, b, where)
      past.drawMoment(whole, to)
      for (const part of ['title', 'body'] as const) expect(skeleton(into[part], 'del, .del-block', true), where).toEqual(skeleton(whole[part], '.none', true))
      past.drawMoment(whole, from)
      for (const part of ['title', 'body'] as const) expect(skeleton(into[part], 'ins, .ins-block', false), where).toEqual(skeleton(whole[part], '.none', false))
      for (const change of changes) {
        expect(change.elements.length, where).toBeGreaterThan(0)
        expect(change.words, where).not.toBe('')
        for (const element of change.elements) expect(element.dataset.author, where).toBe(String(author(change.user).slot))
        expect(from < change.last && change.first <= to, `${where}: ${change.first} to ${change.last}`).toBe(true)
      }
      // Those of nobody are none, and those of one are the same as among all.
      expect(past.drawDifference(into, from, to, new Set())).toEqual([])
      expect(skeleton(into.body, '.none', true)).toEqual((past.drawMoment(whole, to), skeleton(whole.body, '.none', true)))
      const { user } = writers[0] as { user: number }
      expect(past.drawDifference(into, from, to, new Set([user])).every((change) => change.user === user)).toBe(true)
    }
    past.destroy()
  }
}, 300_000)

test('code is coloured once its language has come, and its letters are still those of who wrote them', async () => {
  const writer = new Writer(1, 1, dice(1))
  writer.edit((tr) => tr.insert(0, schema.node('codeBlock', { language: 'js' }, [schema.text('const a = "42"')])))
  writer.edit((tr) => tr.insert(15, schema.text(' // it is')))
  const groups = writer.outbox.map(({ update }, at) => ({ first: at + 1, last: at + 1, user: at + 1, session: '1', time: at, update }))
  const past = await Past.of(groups, author)
  const into = paper()
  past.drawMoment(into, 2)
  const texts = (kind: string) => [...into.body.querySelectorAll(`pre .${kind}`)].map(({ textContent }) => textContent)
  await expect.poll(() => texts('tk-word')).toEqual(['const'])
  expect([texts('tk-text'), texts('tk-note')]).toEqual([['"42"'], ['// it is']])
  const note = into.body.querySelector('.tk-note')?.firstChild as Node
  expect([past.written(note, 0)?.user, past.written(into.body.querySelector('.tk-text')?.firstChild as Node, 3)?.user]).toEqual([2, 1])
})

test('in a difference of code what stayed has its colours, and what came or went is its author’s', async () => {
  const writer = new Writer(1, 1, dice(1))
  writer.edit((tr) => tr.insert(0, schema.node('codeBlock', { language: 'js' }, [schema.text('const a = "42"')])))
  writer.edit((tr) => tr.delete(11, 15))
  writer.edit((tr) => tr.insert(11, schema.text('null // it is')))
  const groups = writer.outbox.map(({ update }, at) => ({ first: at + 1, last: at + 1, user: at + 1, session: '1', time: at, update }))
  const past = await Past.of(groups, author)
  const into = paper()
  past.drawDifference(into, 1, 3, null)
  const texts = (selector: string) => [...into.body.querySelectorAll(`pre ${selector}`)].map(({ textContent }) => textContent)
  await expect.poll(() => texts('.tk-word')).toEqual(['const'])
  expect([texts('del'), texts('ins'), texts(':is(ins, del) span')]).toEqual([['"42"'], ['null // it is'], []])
  const word = into.body.querySelector('.tk-word')?.firstChild as Node
  expect([past.written(word, 2)?.user, past.written(into.body.querySelector('del')?.firstChild as Node, 0)?.user]).toEqual([1, 1])
})
