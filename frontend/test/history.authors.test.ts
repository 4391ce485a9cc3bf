// @vitest-environment happy-dom
import { Fragment } from '@tiptap/pm/model'
import { findWrapping, type Transform } from '@tiptap/pm/transform'
import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import type { Group } from '../src/history/chunks'
import { Past } from '../src/history/past'
import { Strand } from '../src/history/strand'
import { author, paper } from './canonical'
import { dice, seed } from './seed'
import { schema, session, Writer } from './writers'

type Edit = (tr: Transform) => void

const ANA = 1
const BEN = 2
const CLEO = 3

/** A note in which these people did this, one after the other; what is in one list they did within one second. */
async function note(...done: [user: number, ...edits: Edit[]][]): Promise<Past> {
  const writer = new Writer(1, 1, dice(1))
  const groups = done.map(([user, ...edits], at) => {
    for (const edit of edits) writer.edit(edit)
    const updates = writer.outbox.splice(0).map(({ update }) => update)
    return { first: at + 1, last: at + 1, user, session: String(user), time: at * 600_000, update: Y.mergeUpdates(updates) }
  })
  return Past.of(groups, author)
}

/** Line for line, who wrote what of it. */
function lines(past: Past): [user: number, words: string][][] {
  const into = paper()
  past.drawAuthors(into, 'person', undefined)
  const lines = [...into.body.querySelectorAll('p, h1, h2, h3, pre')]
  return lines.map((line) => [...line.querySelectorAll<HTMLElement>('.by')].reduce<[number, string][]>((all, span) => {
    const user = Number(span.dataset.author)
    const last = all.at(-1)
    if (last?.[0] === user) last[1] += span.textContent
    else all.push([user, span.textContent])
    return all
  }, []))
}

const paragraph = (...words: string[]) => schema.node('paragraph', null, words.map((some, at) => schema.text(some, at % 2 ? [schema.mark('bold')] : [])))
const starts = (...words: string[]): Edit => (tr) => tr.replaceWith(0, tr.doc.content.size, paragraph(...words))
const types = (at: number, words: string): Edit => (tr) => tr.insert(at, schema.text(words))
const splits = (at: number): Edit => (tr) => tr.split(at)

test('who splits a paragraph has written nothing of it', async () => {
  const past = await note([ANA, starts('One line, and another.')], [BEN, splits(10)])
  expect(lines(past)).toEqual([[[ANA, 'One line,']], [[ANA, ' and another.']]])
})

test('a short end stays whose it is, too', async () => {
  expect(lines(await note([ANA, starts('Done.')], [BEN, splits(5)]))).toEqual([[[ANA, 'Done']], [[ANA, '.']]])
})

test('what is written beside it in the same second is theirs', async () => {
  const past = await note([ANA, starts('One line, and another.')], [BEN, splits(10), types(12, 'Now: '), types(10, ' yes')])
  expect(lines(past)).toEqual([[[ANA, 'One line,'], [BEN, ' yes']], [[BEN, 'Now: '], [ANA, ' and another.']]])
})

test('typing goes on over a second’s end, and so does what is done with it', async () => {
  const heading: Edit = (tr) => tr.setBlockType(12, 12, schema.nodes.heading as never, { level: 2 })
  const past = await note([ANA, starts('One line, and another.')], [BEN, splits(10), types(12, 'Or n')], [BEN, types(16, 'ot:'), heading])
  expect(lines(past)).toEqual([[[ANA, 'One line,']], [[BEN, 'Or not:'], [ANA, ' and another.']]])
})

test('what is done several times in one second, or before it is sent, is told apart', async () => {
  const split = await note([ANA, starts('First of all. Second of two. Third.')], [BEN, splits(14), splits(31)])
  expect(lines(split)).toEqual([[[ANA, 'First of all.']], [[ANA, ' Second of two.']], [[ANA, ' Third.']]])
  const three = [paragraph('One.'), paragraph(' Two two.'), paragraph(' Three three.')]
  const joined = await note([ANA, (tr) => tr.replaceWith(0, tr.doc.content.size, Fragment.from(three))], [BEN, (tr) => tr.join(17), (tr) => tr.join(6)])
  expect(lines(joined)).toEqual([[[ANA, 'One. Two two. Three three.']]])
})

test('no character is cut in two', async () => {
  const past = await note([ANA, starts('hello world 😀')], [BEN, (tr) => tr.setBlockType(1, 1, schema.nodes.heading as never, { level: 2 }), (tr) => tr.delete(13, 15), types(13, '😁')])
  expect(lines(past)).toEqual([[[ANA, 'hello world '], [BEN, '😁']]])
})

test('forty thousand letters that were typed one by one are no burden to who makes a heading of them', async () => {
  const writer = new Writer(1, 1, dice(1))
  const groups: Group[] = []
  const log = (user: number) => {
    const at = groups.length
    groups.push({ first: at + 1, last: at + 1, user, session: '1', time: at * 2000, update: Y.mergeUpdates(writer.outbox.splice(0).map(({ update }) => update)) })
  }
  writer.edit(starts('.'))
  log(ANA)
  const text = (writer.body.get(0) as Y.XmlElement).get(0) as Y.XmlText
  for (let at = 0; at < 40_000; at++) {
    text.insert(at, 'abcdefghij'[at % 10] as string)
    log(at % 3 ? ANA : CLEO)
  }
  writer.edit((tr) => tr.setBlockType(1, 1, schema.nodes.heading as never, { level: 2 }))
  log(BEN)
  const past = await Past.of(groups, author)
  const cut = vi.spyOn(Strand.prototype, 'cut')
  past.drawAuthors(paper(), 'person', undefined)
  expect(cut.mock.calls.length).toBeLessThan(10)
  cut.mockRestore()
  const shares = past.drawAuthors(paper(), 'person', undefined)
  expect(shares).toEqual([{ user: ANA, characters: 26_667 }, { user: CLEO, characters: 13_334 }])
}, 60_000)

test('bold words, and those of several people, stay whose they are', async () => {
  const past = await note([ANA, starts('We ship ', 'in April', ' or never.')], [BEN, types(9, 'for sure ')], [CLEO, splits(4)])
  expect(lines(past)).toEqual([[[ANA, 'We ']], [[ANA, 'ship '], [BEN, 'for sure '], [ANA, 'in April or never.']]])
})

test('paragraphs that are joined again stay whose they are', async () => {
  const past = await note(
    [ANA, starts('One line, and another.')], [BEN, types(11, 'still '), splits(10)], [CLEO, (tr) => tr.join(11)], [BEN, splits(4)], [CLEO, (tr) => tr.join(5)],
  )
  expect(lines(past)).toEqual([[[ANA, 'One line,'], [BEN, ' still'], [ANA, ' and another.']]])
})

test('who makes a heading, a list or code of a paragraph has not written it', async () => {
  const past = await note(
    [ANA, starts('Plan for April')],
    [BEN, (tr) => tr.setBlockType(1, 1, schema.nodes.heading as never, { level: 2 })],
    [CLEO, (tr) => tr.setBlockType(1, 1, schema.nodes.paragraph as never)],
    [BEN, (tr) => {
      const range = tr.doc.resolve(1).blockRange()
      if (range) tr.wrap(range, findWrapping(range, schema.nodes.bulletList as never) ?? [])
    }],
  )
  expect(lines(past)).toEqual([[[ANA, 'Plan for April']]])
  const into = paper()
  past.drawMoment(into, 4)
  expect(past.written(into.body.querySelector('li p')?.firstChild as Node, 3)).toMatchObject({ user: ANA, seq: 1 })
})

test('the same words, written again in their place or elsewhere, are of who writes them', async () => {
  const again = await note([ANA, starts('word')], [BEN, (tr) => tr.delete(1, 5)], [BEN, types(1, 'word')])
  expect(lines(again)).toEqual([[[BEN, 'word']]])
  const other = await note(
    [ANA, (tr) => tr.replaceWith(0, tr.doc.content.size, Fragment.from([paragraph('a thing'), paragraph('other')]))],
    [BEN, (tr) => tr.delete(1, 2), types(9, 'a later addition to ')],
  )
  expect(lines(other)).toEqual([[[ANA, ' thing']], [[BEN, 'a later addition to '], [ANA, 'other']]])
})

test(`shares count each letter once, whatever people do (seed ${seed})`, async () => {
  for (let at = 0; at < 10; at++) {
    const past = await Past.of(session(seed + at).groups, author)
    const into = paper()
    past.drawMoment(into, past.head)
    const words = [into.title, into.body].map((part) => part.textContent).join('')
    const shares = past.drawAuthors(into, 'person', undefined)
    expect(shares.reduce((sum, { characters }) => sum + characters, 0), `session ${at}`).toBe(words.length)
    expect([into.title, into.body].map((part) => part.textContent).join('')).toBe(words)
    past.destroy()
  }
})
