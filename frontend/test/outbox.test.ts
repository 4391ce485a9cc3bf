import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { Outbox, lacking, merge, type Edit } from '../src/outbox'

const edited = (words: string) => {
  const doc = new Y.Doc()
  const outbox = new Outbox()
  doc.on('update', (update: Uint8Array) => outbox.add({ update, made: 0, row: null }))
  for (const character of words) doc.getText('title').insert(doc.getText('title').length, character)
  return { doc, outbox }
}

const having = (updates: Uint8Array[]) => {
  const server = new Y.Doc()
  for (const update of updates) Y.applyUpdate(server, update)
  return server
}

test('a server that has everything lacks nothing', () => {
  const { doc, outbox } = edited('all of it')
  const server = having(outbox.all.map(({ update }) => update))
  expect(lacking(doc, outbox.all, Y.encodeStateVector(server))).toBeNull()
})

test('a server whose acknowledgement was lost is sent only the rest', () => {
  const { doc, outbox } = edited('half of it')
  const server = having(outbox.all.slice(0, 4).map(({ update }) => update))
  const missing = lacking(doc, outbox.all, Y.encodeStateVector(server)) as Uint8Array
  expect([...Y.parseUpdateMeta(missing).from.values()]).toEqual([4])
  Y.applyUpdate(server, missing)
  expect(server.getText('title').toString()).toBe('half of it')
})

test('a deletion is not forgotten, and nobody else\'s are sent along', () => {
  const { doc, outbox } = edited('abc')
  outbox.remove([...outbox.all])
  const server = having([Y.encodeStateAsUpdate(doc)])
  doc.getText('title').delete(1, 1)
  const missing = lacking(doc, outbox.all, Y.encodeStateVector(server)) as Uint8Array
  expect([...Y.decodeUpdate(missing).ds.clients.values()].flat()).toHaveLength(1)
  Y.applyUpdate(server, missing)
  expect(server.getText('title').toString()).toBe('ac')
})

test('an edit whose row was lost is found in the doc', () => {
  const { doc } = edited('lost')
  const server = having([lacking(doc, [], Y.encodeStateVector(new Y.Doc())) as Uint8Array])
  expect(server.getText('title').toString()).toBe('lost')
})

test('three thousand keystrokes are one update, and soon', () => {
  const { doc, outbox } = edited('keystroke '.repeat(300))
  const begun = performance.now()
  const update = merge(outbox.all.map((edit: Edit) => edit.update))
  expect(performance.now() - begun).toBeLessThan(1000)
  expect(having([update]).getText('title').toString()).toBe(doc.getText('title').toString())
})
