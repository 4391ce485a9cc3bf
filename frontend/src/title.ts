/** The title: one line of the doc, edited in an element of the page. */
import { simpleDiffStringWithCursor } from 'lib0/diff'
import type * as Y from 'yjs'
import { TITLE_EDIT } from './editor'

interface Step { retain?: number; insert?: unknown; delete?: number }

/** Where `offset` is after a change by somebody else; what they insert right there goes after it. */
export function moved(offset: number, delta: readonly Step[]): number {
  let read = 0
  let at = offset
  for (const { retain, insert, delete: gone } of delta) {
    if (read >= at) break
    if (retain) read += retain
    else if (typeof insert === 'string') {
      read += insert.length
      at += insert.length
    } else if (gone) at = Math.max(read, at - gone)
  }
  return at
}

/** A title is one line; nothing else is taken out, for `a  b` and a trailing blank are on their way to something. */
const oneLine = (text: string) => text.replace(/[\r\n\u2028\u2029]+/g, ' ').replace(/\u00a0/g, ' ')

interface Options {
  undo: Y.UndoManager
  /** On to the text below. */
  next: () => void
}

export class Title {
  /** What the element showed when it was last the same as the doc's text. */
  private shown = ''
  private composing = false
  /** What others did while a composition held the element. */
  private missed: Step[][] = []

  constructor(private readonly element: HTMLElement, private readonly text: Y.Text, private readonly options: Options) {
    element.dataset.placeholder = 'Untitled'
    element.spellcheck = true
    element.setAttribute('aria-label', 'Title')
    this.draw()
    text.observe(this.changed)
    for (const [type, listener] of this.listeners) element.addEventListener(type, listener)
  }

  set editable(editable: boolean) {
    this.element.contentEditable = editable ? 'plaintext-only' : 'false'
    // It is a heading for readers, and a field for writers.
    if (editable) {
      this.element.setAttribute('role', 'textbox')
      this.element.setAttribute('aria-multiline', 'false')
    } else {
      this.element.removeAttribute('role')
      this.element.removeAttribute('aria-multiline')
    }
  }

  destroy(): void {
    this.text.unobserve(this.changed)
    for (const [type, listener] of this.listeners) this.element.removeEventListener(type, listener)
  }

  /** Take over what was typed: the smallest change that explains it, at the place where it was made. */
  private read = () => {
    if (this.composing) return
    const typed = oneLine(this.element.textContent ?? '').toWellFormed()
    const caret = this.caret
    // In a run of the same letters only the caret tells which one is new: it stands behind it.
    const start = Math.max(0, (caret ?? typed.length) - Math.max(0, typed.length - this.shown.length))
    const { index, remove, insert } = simpleDiffStringWithCursor(this.shown, typed, start)
    const from = this.missed.reduce(moved, index)
    const to = this.missed.reduce(moved, index + remove)
    this.text.doc?.transact(() => {
      this.text.delete(from, to - from)
      this.text.insert(from, insert)
    }, TITLE_EDIT)
    this.draw(caret === null ? null : this.missed.reduce(moved, caret))
  }

  private changed = ({ delta }: Y.YTextEvent, { origin }: Y.Transaction) => {
    if (origin === TITLE_EDIT) return
    // To touch the element would end the composition.
    if (this.composing) this.missed.push(delta as Step[])
    else this.draw(this.caret === null ? null : moved(this.caret, delta as Step[]))
  }

  private draw(caret: number | null = null): void {
    this.shown = this.text.toString()
    this.missed = []
    if (this.element.textContent !== this.shown) this.element.textContent = this.shown
    if (caret !== null) getSelection()?.collapse(this.element.firstChild ?? this.element, this.element.firstChild ? Math.min(caret, this.shown.length) : 0)
  }

  /** UTF-16 units before the caret; null: it is not in the title. */
  private get caret(): number | null {
    const selection = getSelection()
    const { focusNode } = selection ?? {}
    if (!selection || !focusNode || !this.element.contains(focusNode)) return null
    const before = document.createRange()
    before.selectNodeContents(this.element)
    before.setEnd(focusNode, selection.focusOffset)
    return before.toString().length
  }

  private composed = () => {
    this.composing = false
    this.read()
  }

  private pasted = (event: Event) => {
    const words = (event as ClipboardEvent).clipboardData?.getData('text/plain')
    if (words === undefined || this.element.contentEditable === 'false') return
    event.preventDefault()
    document.execCommand('insertText', false, oneLine(words))
  }

  private pressed = (event: Event) => {
    const press = event as KeyboardEvent
    if (press.isComposing) return
    const held = press.ctrlKey || press.metaKey
    const key = press.key.toLowerCase()
    if (key === 'enter' || (key === 'arrowdown' && !held && !press.shiftKey)) this.options.next()
    else if (held && key === 'z' && !press.shiftKey) this.options.undo.undo()
    else if (held && (key === 'y' || key === 'z')) this.options.undo.redo()
    else return
    event.preventDefault()
  }

  private readonly listeners: [string, (event: Event) => void][] = [
    ['input', this.read],
    ['compositionstart', () => (this.composing = true)],
    ['compositionend', this.composed],
    ['paste', this.pasted],
    ['keydown', this.pressed],
  ]
}
