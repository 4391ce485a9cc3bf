/**
 * Colours code blocks in the editor. What has which colour is known elsewhere (highlighter.ts), in a chunk of its own.
 *
 * Each colour is an element, and Chromium goes through all elements that can be edited at every key: fifty blocks of thirty lines took
 * 10 ms of it. So blocks that are far from what is on the screen are plain.
 */
import type { Node } from '@tiptap/pm/model'
import { Plugin, PluginKey, type EditorState, type Transaction } from '@tiptap/pm/state'
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view'
import { heedCaret } from './heed'
import type { Span } from './highlighter'
import { later } from './later'
import { Nearby } from './nearby'

/** To read longer code again takes a good part of a frame: it keeps the colours it had until the hands rest for so many milliseconds. */
const LONG = 3000
const REST = 200

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

/** Where code blocks begin: those that are near (null: all are), and those whose colours are those of a moment ago. */
interface Coloured { set: DecorationSet; near: ReadonlySet<number> | null; late: readonly number[] }

/** Colour the late blocks now, or all that are near, or others, because these are near. */
type Wanted = 'late' | 'all' | { near: ReadonlySet<number> | null }

const key = new PluginKey<Coloured>('highlight')

const isCode = (node: Node) => node.type.name === 'codeBlock'

/** The lines of text and blocks of code that a change touches, and where each begins. */
function touched({ mapping, doc }: Transaction): Map<number, Node> {
  const found = new Map<number, Node>()
  mapping.maps.forEach((map, step) =>
    map.forEach((_from, _to, from, to) => {
      const rest = mapping.slice(step + 1)
      doc.nodesBetween(rest.map(from, -1), rest.map(to, 1), (node, at) => {
        if (node.isTextblock) found.set(at, node)
        return !node.isTextblock
      })
    }),
  )
  return found
}

/** The blocks of code, or those of them that begin in `places`. */
function codeIn(doc: Node, places: Iterable<number> | null): Map<number, Node> {
  const found = new Map<number, Node>()
  const look = (node: Node | null, at: number) => {
    if (node && isCode(node)) found.set(at, node)
    return !node?.isTextblock
  }
  if (places) for (const at of places) look(doc.nodeAt(at), at)
  else doc.descendants(look)
  return found
}

const difference = (one: ReadonlySet<number>, other: ReadonlySet<number>) => [...one].filter((at) => !other.has(at))

export function highlightPlugin(): Plugin {
  let view: EditorView | null = null
  let coming = false
  const redraw = (wanted: Wanted) => {
    if (!view || view.isDestroyed) return
    heedCaret(view)
    view.dispatch(view.state.tr.setMeta(key, wanted).setMeta('addToHistory', false))
  }
  /** Many blocks wait for one grammar. */
  const loaded = () => {
    if (coming) return
    coming = true
    queueMicrotask(() => {
      coming = false
      redraw('all')
    })
  }
  const recolour = ({ set, near }: Coloured, doc: Node, blocks: Iterable<[number, Node]>): DecorationSet => {
    const [old, fresh]: [Decoration[], Decoration[]] = [[], []]
    for (const [at, node] of blocks) {
      old.push(...set.find(at, at + node.nodeSize))
      if (isCode(node) && (!near || near.has(at))) for (const [from, to, kind] of spansOf(node, loaded) ?? []) fresh.push(Decoration.inline(at + 1 + from, at + 1 + to, { class: kind }))
    }
    return set.remove(old).add(doc, fresh)
  }
  const all = (doc: Node, near: ReadonlySet<number> | null): Coloured => {
    const plain = { set: DecorationSet.empty, near, late: [] }
    return { ...plain, set: recolour(plain, doc, codeIn(doc, near)) }
  }
  const coloured = (transaction: Transaction, before: Coloured, { doc }: EditorState): Coloured => {
    const wanted = transaction.getMeta(key) as Wanted | undefined
    if (!transaction.docChanged && !wanted) return before
    const moved = (at: number) => transaction.mapping.map(at)
    const now = { set: before.set.map(transaction.mapping, doc), near: before.near && new Set([...before.near].map(moved)), late: before.late.map(moved) }
    if (wanted === 'all') return all(doc, now.near)
    if (wanted === 'late') return { ...now, set: recolour(now, doc, codeIn(doc, now.late)), late: [] }
    if (wanted) {
      const { near } = wanted
      if (!near || !now.near) return all(doc, near)
      const blocks = codeIn(doc, [...difference(near, now.near), ...difference(now.near, near)])
      return { ...now, near, set: recolour({ ...now, near }, doc, blocks) }
    }
    const late = new Set(now.late)
    const blocks: [number, Node][] = []
    for (const [at, node] of touched(transaction)) {
      // What has no colours to keep until then gets them at once.
      if (isCode(node) && node.content.size > LONG && now.set.find(at, at + node.nodeSize).length) late.add(at)
      else blocks.push([at, node])
    }
    return { ...now, set: blocks.length ? recolour(now, doc, blocks) : now.set, late: [...late] }
  }
  return new Plugin<Coloured>({
    key,
    state: { init: (_config, { doc }) => all(doc, Nearby.isKnown ? new Set() : null), apply: (transaction, before, _, state) => coloured(transaction, before, state) },
    view: (mounted) => {
      view = mounted
      let timer: ReturnType<typeof setTimeout> | undefined
      const blocks = mounted.dom.getElementsByTagName('pre')
      let frame = 0
      const nearby = new Nearby((near) => {
        const places = new Set([...near].map((block) => mounted.posAtDOM(block.firstElementChild ?? block, 0) - 1))
        const known = key.getState(mounted.state)?.near
        if (!known || difference(places, known).length || difference(known, places).length) redraw({ near: places })
      })
      /** What replaces a part of the text may take blocks along: they are elsewhere then, and on the screen as before. */
      const look = () => {
        frame = 0
        if (mounted.composing) lookSoon()
        else nearby.tell()
      }
      const lookSoon = () => void (frame ||= requestAnimationFrame(look))
      // On paper all is near.
      const printed = () => redraw({ near: null })
      addEventListener('beforeprint', printed)
      addEventListener('afterprint', lookSoon)
      nearby.watch(blocks)
      return {
        update: ({ state }, { doc }) => {
          if (state.doc === doc) return
          nearby.watch(blocks)
          lookSoon()
          if (!key.getState(state)?.late.length) return
          clearTimeout(timer)
          timer = setTimeout(() => redraw('late'), REST)
        },
        destroy: () => {
          removeEventListener('beforeprint', printed)
          removeEventListener('afterprint', lookSoon)
          cancelAnimationFrame(frame)
          nearby.destroy()
          clearTimeout(timer)
          view = null
        },
      }
    },
    props: { decorations: (state) => key.getState(state)?.set },
  })
}
