import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import type { EditorView } from '@tiptap/pm/view'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Carets } from './carets'
import { Carried } from './carried'
import { heedCaret } from './heed'
import { Narrow } from './narrow'
import { RETURNED } from './orphans'
import { settleRedone } from './redone'
import { BODY, TITLE, extensions } from './schema'
import { ySyncPluginKey } from 'y-prosemirror'

/** Edits of the title carry this, as those of the text carry the plugin's key: undo takes back these and no others. */
export const TITLE_EDIT = Symbol('title')

/** Something of the past that was brought back: one step of its own for undo. */
export const RESTORE = Symbol('restore')

/** One undo for title and text. */
export function undoManager(doc: Y.Doc): Y.UndoManager {
  const undo = new Y.UndoManager([doc.getXmlFragment(BODY), doc.getText(TITLE)], {
    trackedOrigins: new Set<unknown>([ySyncPluginKey, TITLE_EDIT, RESTORE, RETURNED]),
    // Children are deleted before parents: what is filled by then, somebody else has written in, and it stays.
    deleteFilter: ({ content }) => !(content instanceof Y.ContentType && isFilled(content.type)),
    captureTransaction: (transaction) => transaction.meta.get('addToHistory') !== false,
  })
  doc.on('beforeObserverCalls', (transaction) => void (transaction.origin === undo && settleRedone(transaction)))
  return undo
}

const isFilled = (type: Y.AbstractType<unknown>) => (type instanceof Y.XmlText || type instanceof Y.XmlFragment) && type.length > 0

/** `failed`: where others are could not be drawn, and what is shown is not what is there. */
interface Options { doc: Y.Doc; awareness: Awareness; undo: Y.UndoManager; editable: boolean; failed?(error: unknown): void }

const raise = (error: unknown): never => {
  throw error
}

/** On a busy page one key may follow the other before the browser has told where the first put the caret: End, Backspace. */
function keydown(view: EditorView, event: KeyboardEvent): boolean {
  if (!view.composing && !event.isComposing) heedCaret(view)
  return false
}

/** Pixels that a toolbar takes at the bottom of the window, and some air. */
const DOCKED = 72

/** ProseMirror's, in ms: after it the caret goes back from where the browser has put it with the focus, if it is there still. */
const PUT_BACK = 20

/** It knows of no key that has moved the caret there on purpose in between. We ask for the same moment, before it does. */
function focus(view: EditorView): boolean {
  let pressed = false
  const press = () => void (pressed = true)
  view.dom.addEventListener('keydown', press, { once: true })
  setTimeout(() => {
    view.dom.removeEventListener('keydown', press)
    if (pressed && !view.isDestroyed && !view.composing) heedCaret(view)
  }, PUT_BACK)
  return false
}

/** The editor of `doc`, inside `element`. Throws, and leaves nothing behind, when the doc holds what it has no shape for. */
export function makeEditor(element: HTMLElement, { doc, awareness, undo, editable, failed = raise }: Options): Editor {
  let begun: Editor | null = null
  try {
    return new Editor({
      element,
      editable,
      injectCSS: false,
      // It would compare the whole document after every change of somebody else.
      enableCoreExtensions: { delete: false },
      editorProps: {
        attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': 'Text of the note', spellcheck: 'true' },
        handleDOMEvents: { keydown, focus },
        // What is docked at the bottom of a phone's window would cover the line that is written in.
        scrollThreshold: { top: 0, right: 0, bottom: DOCKED, left: 0 },
        scrollMargin: { top: 5, right: 5, bottom: DOCKED, left: 5 },
      },
      extensions: [
        ...extensions(),
        Collaboration.configure({ document: doc, field: BODY, yUndoOptions: { undoManager: undo } }),
        Carets.configure({ awareness, failed }),
        Carried,
        Narrow,
      ],
      onBeforeCreate: ({ editor }) => void (begun = editor),
    })
  } catch (error) {
    if (begun) abandon(begun)
    throw error
  }
}

/** An editor that failed while it was made: no view of a plugin is known to it yet, so the one that listens to the doc is told here. */
function abandon(editor: Editor): void {
  ySyncPluginKey.getState(editor.view.state)?.binding.destroy()
  editor.destroy()
}
