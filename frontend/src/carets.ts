/** Where the others are in the text, and where we are, for them. Colours come from the author's slot, through attributes: the page's policy blocks styles. */
import { Extension } from '@tiptap/core'
import { Plugin, PluginKey, type EditorState, type PluginView } from '@tiptap/pm/state'
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view'
import { absolutePositionToRelativePosition, ySyncPluginKey } from 'y-prosemirror'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { heedCaret } from './heed'
import { identityOf, selectionOf } from './presence'
import type { Identity } from './whereabouts'

/** The name fades this long after its owner last moved. */
const TYPING = 2000

interface Change { added: number[]; updated: number[]; removed: number[] }

/** One element for each client, kept while the caret moves, so that fading goes on. */
class Caret {
  readonly element = document.createElement('span')
  private at = ''
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly name = document.createElement('span')) {
    this.element.className = 'caret'
    name.className = 'caret-name'
    // Joins are announced in words; a name in the middle of the text would be read as text.
    name.setAttribute('aria-hidden', 'true')
    this.element.append(name)
  }

  /** `cursor`: where it is, as its owner said it. */
  show(user: Identity, cursor: unknown): void {
    this.element.dataset.author = String(user.slot)
    this.name.textContent = user.name
    const at = JSON.stringify(cursor)
    if (at === this.at) return
    this.at = at
    clearTimeout(this.timer)
    this.element.classList.remove('caret-idle')
    this.timer = setTimeout(() => this.element.classList.add('caret-idle'), TYPING)
  }

  gone(): void {
    clearTimeout(this.timer)
  }
}

/** The carets and selections of all others, as decorations of the text. */
class Others {
  private readonly carets = new Map<number, Caret>()

  constructor(private readonly awareness: Awareness) {
    awareness.on('change', this.tidy)
  }

  draw(state: EditorState): DecorationSet {
    const decorations: Decoration[] = []
    // Before the editor has the text there is nowhere to be.
    if (ySyncPluginKey.getState(state).binding.mapping.size === 0) return DecorationSet.empty
    for (const [client, said] of this.awareness.getStates()) {
      const user = client === this.awareness.clientID ? null : identityOf(said)
      const selection = user && selectionOf(said, state)
      if (!user || !selection) continue
      const caret = this.carets.get(client) ?? new Caret()
      this.carets.set(client, caret)
      caret.show(user, said.cursor)
      const [anchor, head] = [selection.anchor, selection.head].map((at) => Math.min(at, state.doc.content.size - 1)) as [number, number]
      decorations.push(Decoration.widget(head, caret.element, { key: String(client), side: 10 }))
      if (anchor === head) continue
      const attributes = { class: 'remote', 'data-author': String(user.slot) }
      const ends = { inclusiveEnd: true, inclusiveStart: false }
      decorations.push(Decoration.inline(Math.min(anchor, head), Math.max(anchor, head), attributes, ends))
    }
    return DecorationSet.create(state.doc, decorations)
  }

  destroy(): void {
    this.awareness.off('change', this.tidy)
    for (const caret of this.carets.values()) caret.gone()
  }

  private tidy = ({ removed }: Change) => {
    for (const client of removed) {
      this.carets.get(client)?.gone()
      this.carets.delete(client)
    }
  }
}

const OTHERS = new PluginKey<DecorationSet>('others')
const FOCUS = ['focusin', 'focusout']

/** Draws the others anew when they moved, once a frame, and tells them where this editor's selection is. */
class CaretView implements PluginView {
  private frame = 0

  constructor(
    private readonly view: EditorView,
    private readonly awareness: Awareness,
    private readonly others: Others,
    private readonly failed: (error: unknown) => void,
  ) {
    awareness.on('change', this.moved)
    for (const type of FOCUS) view.dom.addEventListener(type, this.update)
  }

  update = () => {
    const { type, binding } = ySyncPluginKey.getState(this.view.state)
    const said = this.awareness.getLocalState()?.cursor as { anchor: unknown; head: unknown } | null | undefined
    if (!this.view.hasFocus()) {
      if (said) this.awareness.setLocalStateField('cursor', null)
      return
    }
    const { selection } = this.view.state
    const [anchor, head] = [selection.anchor, selection.head].map((at) => absolutePositionToRelativePosition(at, type, binding.mapping) as Y.RelativePosition)
    const same = (one: unknown, other?: Y.RelativePosition) => !!other && Y.compareRelativePositions(Y.createRelativePositionFromJSON(one), other)
    if (said && same(said.anchor, anchor) && same(said.head, head)) return
    this.awareness.setLocalStateField('cursor', { anchor, head })
  }

  destroy(): void {
    cancelAnimationFrame(this.frame)
    this.awareness.off('change', this.moved)
    for (const type of FOCUS) this.view.dom.removeEventListener(type, this.update)
    this.awareness.setLocalStateField('cursor', null)
    this.others.destroy()
  }

  private moved = ({ added, updated, removed }: Change) => {
    if ([...added, ...updated, ...removed].some((client) => client !== this.awareness.clientID)) this.frame ||= requestAnimationFrame(this.draw)
  }

  private draw = () => {
    this.frame = 0
    // What is drawn beside a composition may end it, and then its text is written twice.
    if (this.view.composing) {
      this.frame = requestAnimationFrame(this.draw)
      return
    }
    try {
      heedCaret(this.view)
      this.view.dispatch(this.view.state.tr.setMeta(OTHERS, true))
    } catch (error) {
      this.failed(error)
    }
  }
}

/** `failed`: the editor could not draw. */
export const Carets = Extension.create<{ awareness: Awareness; failed(error: unknown): void }>({
  name: 'carets',

  addProseMirrorPlugins() {
    const { awareness, failed } = this.options
    const others = new Others(awareness)
    return [
      new Plugin<DecorationSet>({
        key: OTHERS,
        state: {
          init: (_, state) => others.draw(state),
          apply: (transaction, drawn, _, state) =>
            transaction.getMeta(OTHERS) || ySyncPluginKey.getState(state).isChangeOrigin ? others.draw(state) : drawn.map(transaction.mapping, transaction.doc),
        },
        props: { decorations: (state) => OTHERS.getState(state) },
        view: (view) => new CaretView(view, awareness, others, failed),
      }),
    ]
  },
})
