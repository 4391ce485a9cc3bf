import { Extension } from '@tiptap/core'
import { Plugin } from '@tiptap/pm/state'
import { Decoration, DecorationSet } from '@tiptap/pm/view'

/** Teaches what can be typed, in the empty paragraph that holds the caret. Looks at that one only, not at the whole document. */
export const Placeholder = Extension.create<{ words: string }>({
  name: 'placeholder',

  addOptions: () => ({ words: '' }),

  addProseMirrorPlugins() {
    const { editor, options } = this
    return [
      new Plugin({
        props: {
          decorations({ doc, selection }) {
            const { $anchor, empty } = selection
            const { parent, depth } = $anchor
            const only = doc.childCount === 1 && parent.type.name === 'paragraph' && parent.content.size === 0
            if (!editor.isEditable || !empty || depth !== 1 || parent.type.name !== 'paragraph' || parent.content.size) return null
            if (!only && !editor.isFocused) return null
            const attributes = { class: 'is-empty', 'data-placeholder': options.words }
            return DecorationSet.create(doc, [Decoration.node($anchor.before(), $anchor.after(), attributes)])
          },
        },
      }),
    ]
  },
})
