import type { EditorView } from '@tiptap/pm/view'

/** What the view does by itself as soon as the browser tells it of a change; its types do not name it. */
interface Watched { domObserver: { flush(): void } }

/**
 * Take over where the person has moved the caret by now.
 *
 * The browser tells of it only after a while, and whatever is drawn in between puts the caret back to where it was.
 */
export function heedCaret(view: EditorView): void {
  (view as unknown as Watched).domObserver.flush()
}
