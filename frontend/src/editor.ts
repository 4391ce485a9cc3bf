import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Carets } from './carets'
import { BODY, TITLE, extensions } from './schema'
import { ySyncPluginKey } from 'y-prosemirror'

/** Edits of the title carry this, as those of the text carry the plugin's key: undo takes back these and no others. */
export const TITLE_EDIT = Symbol('title')

/** One undo for title and text. */
export function undoManager(doc: Y.Doc): Y.UndoManager {
  return new Y.UndoManager([doc.getXmlFragment(BODY), doc.getText(TITLE)], {
    trackedOrigins: new Set<unknown>([ySyncPluginKey, TITLE_EDIT]),
    // A paragraph that somebody else has written in stays when the one who made it takes that back.
    deleteFilter: (item) => !isFilled(item),
    captureTransaction: (transaction) => transaction.meta.get('addToHistory') !== false,
  })
}

function isFilled({ content }: Y.Item): boolean {
  if (!(content instanceof Y.ContentType)) return false
  const { type } = content
  const holds = type instanceof Y.Text || (type instanceof Y.XmlElement && type.nodeName === 'paragraph')
  return holds && type.length > 0
}

interface Options { doc: Y.Doc; awareness: Awareness; undo: Y.UndoManager; editable: boolean }

/** The editor of `doc`, inside `element`. */
export function makeEditor(element: HTMLElement, { doc, awareness, undo, editable }: Options): Editor {
  return new Editor({
    element,
    editable,
    injectCSS: false,
    // It would compare the whole document after every change of somebody else.
    enableCoreExtensions: { delete: false },
    editorProps: { attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': 'Text of the note', spellcheck: 'true' } },
    extensions: [
      ...extensions(),
      Collaboration.configure({ document: doc, field: BODY, yUndoOptions: { undoManager: undo } }),
      Carets.configure({ awareness }),
    ],
  })
}
