/** Colours code blocks in the editor. What has which colour is known elsewhere (highlighter.ts), in a chunk of its own. */
import type { Node } from '@tiptap/pm/model'
import { Plugin, PluginKey, type EditorState, type Transaction } from '@tiptap/pm/state'
import { Decoration, DecorationSet, type EditorView } from '@tiptap/pm/view'
import { heedCaret } from './heed'
import type { Span } from './highlighter'
import { later } from './later'

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

/** `late`: where code blocks begin whose colours are those of a moment ago. */
interface Coloured { set: DecorationSet; late: readonly number[] }

/** Colour the late blocks now, or all of them. */
type Wanted = 'late' | 'all'

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

function codeIn(doc: Node): Map<number, Node> {
  const found = new Map<number, Node>()
  doc.descendants((node, at) => {
    if (isCode(node)) found.set(at, node)
    return !node.isTextblock
  })
  return found
}

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
  const recolour = (set: DecorationSet, doc: Node, blocks: Iterable<[number, Node]>): DecorationSet => {
    const [old, fresh]: [Decoration[], Decoration[]] = [[], []]
    for (const [at, node] of blocks) {
      old.push(...set.find(at, at + node.nodeSize))
      if (isCode(node)) for (const [from, to, kind] of spansOf(node, loaded) ?? []) fresh.push(Decoration.inline(at + 1 + from, at + 1 + to, { class: kind }))
    }
    return set.remove(old).add(doc, fresh)
  }
  const all = (doc: Node): Coloured => ({ set: recolour(DecorationSet.empty, doc, codeIn(doc)), late: [] })
  const coloured = (transaction: Transaction, before: Coloured, { doc }: EditorState): Coloured => {
    const wanted = transaction.getMeta(key) as Wanted | undefined
    if (wanted === 'all') return all(doc)
    if (!transaction.docChanged && !wanted) return before
    const set = before.set.map(transaction.mapping, doc)
    const late = new Set(before.late.map((at) => transaction.mapping.map(at)))
    if (wanted === 'late') {
      const blocks = [...late].map((at) => [at, doc.nodeAt(at)] as const).filter((block): block is [number, Node] => block[1] !== null && isCode(block[1]))
      return { set: recolour(set, doc, blocks), late: [] }
    }
    const now: [number, Node][] = []
    for (const [at, node] of touched(transaction)) {
      // What has no colours to keep until then gets them at once.
      if (isCode(node) && node.content.size > LONG && set.find(at, at + node.nodeSize).length) late.add(at)
      else now.push([at, node])
    }
    return { set: now.length ? recolour(set, doc, now) : set, late: [...late] }
  }
  return new Plugin<Coloured>({
    key,
    state: { init: (_config, { doc }) => all(doc), apply: (transaction, before, _, state) => coloured(transaction, before, state) },
    view: (mounted) => {
      view = mounted
      let timer: ReturnType<typeof setTimeout> | undefined
      return {
        update: ({ state }, { doc }) => {
          if (state.doc === doc || !key.getState(state)?.late.length) return
          clearTimeout(timer)
          timer = setTimeout(() => redraw('late'), REST)
        },
        destroy: () => {
          clearTimeout(timer)
          view = null
        },
      }
    },
    props: { decorations: (state) => key.getState(state)?.set },
  })
}
