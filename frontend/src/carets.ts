/** Where the others are in the text. Colours come from the author's slot, through attributes: the page's policy blocks styles. */
import { Extension } from '@tiptap/core'
import { yCursorPlugin } from 'y-prosemirror'
import type { Awareness } from 'y-protocols/awareness'
import { headOf, identityOf } from './presence'
import type { Identity } from './whereabouts'

/** The name fades this long after its owner last moved. */
const TYPING = 2000

/** One element for each client, kept while the caret moves, so that fading goes on. */
class Caret {
  readonly element = document.createElement('span')
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly name = document.createElement('span')) {
    this.element.className = 'caret'
    name.className = 'caret-name'
    // Joins are announced in words; a name in the middle of the text would be read as text.
    name.setAttribute('aria-hidden', 'true')
    this.element.append(name)
  }

  show(user: Identity): HTMLElement {
    this.element.dataset.author = String(user.slot)
    this.name.textContent = user.name
    return this.element
  }

  moved(): void {
    clearTimeout(this.timer)
    this.element.classList.remove('caret-idle')
    this.timer = setTimeout(() => this.element.classList.add('caret-idle'), TYPING)
  }

  gone(): void {
    clearTimeout(this.timer)
  }
}

export const Carets = Extension.create<{ awareness: Awareness }>({
  name: 'carets',

  addProseMirrorPlugins() {
    const { awareness } = this.options
    const carets = new Map<number, { caret: Caret; at: string }>()

    const caretOf = (client: number) => {
      const known = carets.get(client) ?? { caret: new Caret(), at: '' }
      carets.set(client, known)
      const at = JSON.stringify(awareness.getStates().get(client)?.cursor)
      if (at !== known.at) known.caret.moved()
      known.at = at
      return known.caret
    }

    const tidy = ({ removed }: { removed: number[] }) => {
      for (const client of removed) {
        carets.get(client)?.caret.gone()
        carets.delete(client)
      }
    }
    awareness.on('change', tidy)
    this.editor.on('destroy', () => {
      awareness.off('change', tidy)
      for (const { caret } of carets.values()) caret.gone()
    })

    return [
      yCursorPlugin(awareness, {
        awarenessStateFilter: (mine: number, client: number, state: Record<string, unknown>) =>
          client !== mine && identityOf(state) !== null && headOf(state, this.editor.state) !== null,
        cursorBuilder: (user: Identity, client: number) => caretOf(client).show(user),
        selectionBuilder: (user: Identity) => ({ class: 'remote', 'data-author': String(user.slot) }),
      }),
    ]
  },
})
