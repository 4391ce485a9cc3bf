import { expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { Device } from '../src/device'
import { isUnsent } from '../src/kept'
import { leftOf } from '../src/left'
import type { Edit } from '../src/outbox'

async function writes(userId: number, words: string): Promise<Device> {
  const doc = new Y.Doc()
  const device = new Device(userId, 'note', () => undefined, () => ({ epoch: 'first', role: 'editor', seq: 0, state: Y.encodeStateAsUpdate(doc) }))
  await device.open()
  const edits: Edit[] = []
  doc.on('update', (update: Uint8Array) => {
    const edit: Edit = { update, made: 0, row: null }
    edits.push(edit)
    device.add(edit)
  })
  for (const character of words) doc.getText('title').insert(doc.getText('title').length, character)
  await vi.waitFor(() => expect(edits.every(({ row }) => row !== null)).toBe(true))
  return device
}

test('of a note that is gone the text can be had that was never sent, and let go', async () => {
  await writes(501, 'precious')
  expect(await isUnsent(501, 'note')).toBe(true)
  const left = await leftOf(501, 'note')
  expect([left?.edits, left?.text]).toEqual([8, 'precious'])
  await left?.forget()
  expect(await isUnsent(501, 'note')).toBe(false)
  expect(await leftOf(501, 'note')).toBeNull()
})

test('a copy that was set aside is there as well', async () => {
  const device = await writes(502, 'old')
  const doc = new Y.Doc()
  doc.getText('title').insert(0, 'as it was')
  await device.setAside(Y.encodeStateAsUpdate(doc))
  expect(await isUnsent(502, 'note')).toBe(true)
  expect((await leftOf(502, 'note'))?.text).toContain('as it was')
})

test('of a note that the device never had, nothing is said', async () => {
  expect(await isUnsent(503, 'note')).toBe(false)
  expect(await leftOf(503, 'note')).toBeNull()
})
