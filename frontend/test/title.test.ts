// @vitest-environment happy-dom
import { afterEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { TITLE_EDIT, undoManager } from '../src/editor'
import { Title, moved } from '../src/title'
import { dice, seed } from './seed'

class Field {
  readonly element = document.body.appendChild(document.createElement('h1'))
  readonly text: Y.Text
  readonly undo: Y.UndoManager
  readonly title: Title
  wentOn = 0

  constructor(readonly doc = new Y.Doc()) {
    this.text = doc.getText('title')
    this.undo = undoManager(doc)
    this.title = new Title(this.element, this.text, { undo: this.undo, next: () => (this.wentOn += 1) })
    this.title.editable = true
  }

  caretAt(offset: number): this {
    getSelection()?.collapse(this.element.firstChild ?? this.element, offset)
    return this
  }

  get caret(): number {
    return getSelection()?.focusOffset ?? -1
  }

  /** What a browser does for a key: the text in the element changes at the caret, then it says so. */
  type(words: string): this {
    const at = this.element.firstChild ? this.caret : 0
    const shown = this.element.textContent ?? ''
    this.element.textContent = shown.slice(0, at) + words + shown.slice(at)
    this.caretAt(at + words.length)
    this.say('input')
    return this
  }

  say(type: string): void {
    this.element.dispatchEvent(new Event(type))
  }

  press(key: string, held: Partial<KeyboardEventInit> = {}): KeyboardEvent {
    const event = new KeyboardEvent('keydown', { key, cancelable: true, ...held })
    this.element.dispatchEvent(event)
    return event
  }

  /** Somebody else changes the title. */
  remotely(change: (text: Y.Text) => void): void {
    this.doc.transact(() => change(this.text), 'wire')
  }
}

afterEach(() => document.body.replaceChildren())

const titled = (words: string): Field => {
  const field = new Field()
  field.remotely((text) => text.insert(0, words))
  return field
}

test('what is typed is one small change, at the place where it was typed', () => {
  const field = titled('aaa')
  const deltas: unknown[] = []
  field.text.observe(({ delta }) => deltas.push(delta))
  field.caretAt(1).type('a')
  expect(deltas).toEqual([[{ retain: 1 }, { insert: 'a' }]])
  expect(field.caret).toBe(2)
})

test('the caret stays between its letters while somebody else writes', () => {
  const field = titled('Spring plan').caretAt(6)
  field.remotely((text) => text.insert(0, 'Our '))
  expect(field.element.textContent).toBe('Our Spring plan')
  expect(field.caret).toBe(10)
  field.remotely((text) => text.insert(text.length, '!'))
  expect(field.caret).toBe(10)
  field.remotely((text) => text.delete(0, 8))
  expect(field.caret).toBe(2)
})

test('a composition is not disturbed by somebody else, and both are kept', () => {
  const field = titled('plan').caretAt(4)
  field.say('compositionstart')
  field.type('に')
  field.remotely((text) => text.insert(0, 'The '))
  field.type('ほん')
  // As the input method sees it: only its own words.
  expect(field.element.textContent).toBe('planにほん')
  field.say('compositionend')
  expect(field.text.toString()).toBe('The planにほん')
  expect(field.element.textContent).toBe('The planにほん')
  expect(field.caret).toBe(11)
})

test('a title is one line', () => {
  const field = titled('a').caretAt(1).type('\nb')
  expect(field.text.toString()).toBe('a b')
})

test('Enter and the arrow down go on to the text', () => {
  const field = titled('a')
  expect(field.press('Enter').defaultPrevented).toBe(true)
  expect(field.press('ArrowDown').defaultPrevented).toBe(true)
  expect(field.press('x').defaultPrevented).toBe(false)
  expect(field.wentOn).toBe(2)
  expect(field.text.toString()).toBe('a')
})

test('undo takes back what was typed here, not what somebody else did', () => {
  const field = titled('plan').caretAt(4).type(' B')
  field.remotely((text) => text.insert(0, 'The '))
  field.press('z', { ctrlKey: true })
  expect(field.element.textContent).toBe('The plan')
  field.press('z', { ctrlKey: true, shiftKey: true })
  expect(field.element.textContent).toBe('The plan B')
})

test('a reader sees a heading, not a field', () => {
  const field = titled('plan')
  expect(field.element.getAttribute('role')).toBe('textbox')
  field.title.editable = false
  expect(field.element.getAttribute('role')).toBeNull()
  expect(field.element.contentEditable).toBe('false')
})

test(`an offset stays behind the letter before it, whatever somebody else does (seed ${seed})`, () => {
  const roll = dice()
  let followed = 0
  for (let round = 0; round < 500; round++) {
    const letters = 'abcdefghijklmnop'
    const doc = new Y.Doc()
    const text = doc.getText('title')
    text.insert(0, letters)
    const offset = roll(17)
    let delta: { retain?: number; insert?: unknown; delete?: number }[] = []
    text.observe((event) => (delta = event.delta as typeof delta))
    doc.transact(() => {
      for (let n = 0; n < 3; n++) {
        const at = roll(text.length + 1)
        if (roll(2)) text.insert(at, 'xyz')
        else text.delete(Math.min(at, text.length - 3), 3)
      }
    }, TITLE_EDIT)
    const after = text.toString()
    const letter = letters[offset - 1]
    if (letter && !after.includes(letter)) continue
    followed += 1
    expect(moved(offset, delta), JSON.stringify({ offset, delta, after })).toBe(letter ? after.indexOf(letter) + 1 : 0)
  }
  expect(followed).toBeGreaterThan(200)
})
