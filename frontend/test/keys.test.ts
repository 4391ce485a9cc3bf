// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import { commandOf, keysOf, shortcuts } from '../src/keys'

const press = (init: KeyboardEventInit, altGraph = false) => {
  const event = new KeyboardEvent('keydown', init)
  Object.defineProperty(event, 'getModifierState', { value: (name: string) => altGraph && name === 'AltGraph' })
  return event
}

test('Ctrl+K finds, Ctrl+S answers, also while typing', () => {
  expect(commandOf(press({ key: 'k', ctrlKey: true }), true)).toBe('palette')
  expect(commandOf(press({ key: 's', ctrlKey: true }), true)).toBe('save')
})

test('a question mark opens the list, but is a letter while typing', () => {
  expect(commandOf(press({ key: '?', shiftKey: true }), false)).toBe('help')
  expect(commandOf(press({ key: '?', shiftKey: true }), true)).toBeNull()
})

test('Ctrl+Alt goes by the place of the key, and AltGr is for letters', () => {
  const event = { key: 'ñ', code: 'KeyN', ctrlKey: true, altKey: true }
  expect(commandOf(press(event), false)).toBe('new')
  expect(commandOf(press(event, true), false)).toBeNull()
})

test('other keys held at the same time are another shortcut', () => {
  expect(commandOf(press({ key: 'K', ctrlKey: true, shiftKey: true }), true)).toBe('link')
  expect(commandOf(press({ key: 'S', ctrlKey: true, shiftKey: true }), true)).toBeNull()
  expect(commandOf(press({ key: 'k' }), false)).toBeNull()
})

test('nothing happens in the middle of composing a character', () => {
  expect(commandOf(press({ key: 'k', ctrlKey: true, isComposing: true }), true)).toBeNull()
})

test('no two shortcuts share their keys, and every command is listed', () => {
  const all = shortcuts.flatMap(({ list }) => list.map(({ keys }) => keys.join('+')))
  expect(new Set(all).size).toBe(all.length)
  expect(keysOf('share')).toEqual(['Ctrl', 'Alt', 'S'])
})
