/** Colours code blocks in the editor. What has which colour is known elsewhere (highlighter.ts), in a chunk of its own. */
import type { Node } from '@tiptap/pm/model'
import { Plugin, PluginKey, type Transaction } from '@tiptap/pm/state'
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view'
import type { Span } from './highlighter'
import { later } from './later'

let chunk: typeof import('./highlighter') | null = null
const load = later(async () => void (chunk ??= await import('./highlighter')))

/** Null: not known yet; `loaded` is called when it is. */
function spansOf({ attrs, textContent }: Node, loaded: () => void): Span[] | null {
  if (!chunk) {
    // Without a network code stays plain; the next change of the text asks again.
    load().then(loaded, () => undefined)
    return null
  }
  const language = chunk.languageOf(attrs.language)
  return language ? chunk.highlighter.spans(language, textContent, loaded) : []
}

const key = new PluginKey<DecorationSet>('highlight')

const isCode = (node: Node) => node.type.name === 'codeBlock'

/** Does a change touch a code block, before or after it? */
function touchesCode(transaction: Transaction): boolean {
  let touched = false
  const look = (doc: Node, from: number, to: number) =>
    doc.nodesBetween(Math.max(0, from - 1), Math.min(doc.content.size, to + 1), (node) => {
      touched ||= isCode(node)
      return !touched && !node.isTextblock
    })
  transaction.mapping.maps.forEach((map, at) =>
    map.forEach((oldFrom, oldTo, newFrom, newTo) => {
      look(transaction.docs[at] ?? transaction.before, oldFrom, oldTo)
      look(transaction.docs[at + 1] ?? transaction.doc, newFrom, newTo)
    }),
  )
  return touched
}

export function highlightPlugin(): Plugin {
  let view: EditorView | null = null
  const redraw = () => {
    if (view && !view.isDestroyed) view.dispatch(view.state.tr.setMeta(key, true).setMeta('addToHistory', false))
  }
  const colour = (doc: Node): DecorationSet => {
    const decorations: Decoration[] = []
    doc.descendants((node, at) => {
      if (!isCode(node)) return !node.isTextblock
      for (const [from, to, kind] of spansOf(node, redraw) ?? []) decorations.push(Decoration.inline(at + 1 + from, at + 1 + to, { class: kind }))
      return false
    })
    return DecorationSet.create(doc, decorations)
  }
  return new Plugin<DecorationSet>({
    key,
    state: {
      init: (_config, { doc }) => colour(doc),
      apply: (transaction, set) => {
        if (transaction.getMeta(key)) return colour(transaction.doc)
        if (!transaction.docChanged) return set
        return touchesCode(transaction) ? colour(transaction.doc) : set.map(transaction.mapping, transaction.doc)
      },
    },
    view: (mounted) => {
      view = mounted
      return { destroy: () => (view = null) }
    },
    props: { decorations: (state) => key.getState(state) },
  })
}
