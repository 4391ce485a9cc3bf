import { expect, test } from 'vitest'
import { decode, encode } from '../src/messages'

test('messages have the bytes of the protocol', () => {
  const payload = new Uint8Array([7, 8, 9])
  expect([...encode({ kind: 'step1', payload })]).toEqual([0, 0, 3, 7, 8, 9])
  expect([...encode({ kind: 'step2', payload })]).toEqual([0, 1, 3, 7, 8, 9])
  expect([...encode({ kind: 'update', payload })]).toEqual([0, 2, 3, 7, 8, 9])
  expect([...encode({ kind: 'awareness', payload })]).toEqual([1, 3, 7, 8, 9])
})

test('what was written is read', () => {
  for (const kind of ['step1', 'step2', 'update', 'awareness'] as const) {
    const message = { kind, payload: new Uint8Array(300).fill(200) }
    expect(decode(encode(message))).toEqual(message)
  }
})

test('anything else says what was expected', () => {
  expect(() => decode(new Uint8Array([2, 0]))).toThrow('expected a sync or awareness message, got the bytes 2 0')
  expect(() => decode(new Uint8Array([0, 3, 0]))).toThrow('expected a sync or awareness message')
  expect(() => decode(new Uint8Array([0, 2, 1, 5, 5]))).toThrow('expected the message to end at byte 4, got 5 bytes')
  expect(() => decode(new Uint8Array([0, 2, 9, 5]))).toThrow()
})
