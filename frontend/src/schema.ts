/**
 * What a note can hold: nodes, marks and what typing turns into them. No UI.
 *
 * A client that lacks a node deletes it for everybody, so a node is never removed, and SCHEMA_VERSION (version.ts) rises with
 * every node or attribute that is added.
 */
import { InputRule, type Extensions } from '@tiptap/core'
import { Blockquote } from '@tiptap/extension-blockquote'
import { Bold } from '@tiptap/extension-bold'
import { Code } from '@tiptap/extension-code'
import { CodeBlock } from '@tiptap/extension-code-block'
import { isChangeOrigin } from '@tiptap/extension-collaboration'
import { Document } from '@tiptap/extension-document'
import { HardBreak } from '@tiptap/extension-hard-break'
import { Heading } from '@tiptap/extension-heading'
import { Highlight } from '@tiptap/extension-highlight'
import { HorizontalRule } from '@tiptap/extension-horizontal-rule'
import { Italic } from '@tiptap/extension-italic'
import { Link } from '@tiptap/extension-link'
import { BulletList, ListItem, ListKeymap, OrderedList, TaskItem, TaskList } from '@tiptap/extension-list'
import { Paragraph } from '@tiptap/extension-paragraph'
import { Strike } from '@tiptap/extension-strike'
import { Table, TableCell, TableHeader, TableRow } from '@tiptap/extension-table'
import { Text } from '@tiptap/extension-text'
import { Underline } from '@tiptap/extension-underline'
import { Dropcursor } from '@tiptap/extensions/drop-cursor'
import { Gapcursor } from '@tiptap/extensions/gap-cursor'
import type { Plugin } from '@tiptap/pm/state'
import { Bounds, LONGEST } from './bounds'
import { highlightPlugin } from './highlight'
import { Placeholder } from './placeholder'
import { Spans } from './spans'

/** The name of the doc's fragment that holds the text; the title is the text "title". */
export const BODY = 'body'
export const TITLE = 'title'

const ColouredCode = CodeBlock.extend({
  addProseMirrorPlugins() {
    return [...(this.parent?.() ?? []), highlightPlugin()]
  },
})

/** Addresses that a link may lead to. Everything else (javascript:, data:, file:, whole files in a query) is text. */
export const isAllowedAddress = (address: string) => address.length <= LONGEST && /^(https?:\/\/|mailto:|tel:)\S+$/i.test(address)

/** What others typed is theirs to link; and after their change the whole document counts as changed. */
function onlyOnOwnChanges(plugin: Plugin): Plugin {
  const append = plugin.spec.appendTransaction
  if (append)
    plugin.spec.appendTransaction = (transactions, before, after) =>
      transactions.some(isChangeOrigin) ? null : append.call(plugin, transactions, before, after)
  return plugin
}

const SafeLink = Link.extend({
  addProseMirrorPlugins() {
    return (this.parent?.() ?? []).map(onlyOnOwnChanges)
  },
})

/** Many type `- [ ] `: by then `- ` has become a bullet, and the brackets turn that into a task. In a task they tick it, or take the tick away. */
const Task = TaskItem.extend({
  addInputRules() {
    const rule = new InputRule({
      find: /^\[([ x]?)\]\s$/i,
      handler: ({ state, range, match, chain }) => {
        const { $from } = state.selection
        const item = $from.node(-1).type.name
        if ($from.index(-1) > 0 || (item !== 'listItem' && item !== this.name)) return null
        const emptied = item === this.name ? chain().deleteRange(range) : chain().deleteRange(range).toggleTaskList()
        emptied.updateAttributes(this.name, { checked: /x/i.test(match[0]) }).run()
        return undefined
      },
    })
    return [...(this.parent?.() ?? []), rule]
  },
})

/** What has a side (where its marks or its columns begin) takes it from its first words; lines of text look at their own (note.css). */
const SIDED = { HTMLAttributes: { dir: 'auto' } }

/** As the server writes it: no widths, which a policy without inline styles would not show. */
const PlainTable = Table.extend({
  renderHTML: () => ['div', { class: 'tableWrapper' }, ['table', { dir: 'auto' }, ['tbody', 0]]],
})

export const extensions = (): Extensions => [
  // One by one, and not from a kit: it would bring along an undo (ours is Yjs's: it takes back only one's own edits).
  Bold,
  Blockquote.configure(SIDED),
  BulletList.configure(SIDED),
  Code,
  Document,
  Dropcursor,
  Gapcursor,
  HardBreak,
  Heading.configure({ levels: [1, 2, 3] }),
  HorizontalRule,
  Italic,
  ListItem,
  ListKeymap,
  OrderedList.configure(SIDED),
  Paragraph,
  Strike,
  Text,
  Underline,
  ColouredCode.configure({ enableTabIndentation: true, tabSize: 4 }),
  SafeLink.configure({
    openOnClick: false,
    autolink: true,
    defaultProtocol: 'https',
    HTMLAttributes: { rel: 'noopener noreferrer nofollow', target: null },
    isAllowedUri: (address) => isAllowedAddress(address),
  }),
  Highlight,
  TaskList.configure(SIDED),
  Task.configure({ nested: true }),
  PlainTable.configure({ resizable: false }),
  TableRow,
  TableHeader,
  TableCell,
  Bounds,
  Spans,
  Placeholder.configure({ words: 'Write, or press / for blocks' }),
]
