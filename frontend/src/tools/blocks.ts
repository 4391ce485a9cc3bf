import type { ChainedCommands, Editor } from '@tiptap/core'
import type { IconName } from '../icons'

/** A kind of block that can be inserted with the slash menu. */
export interface Block {
  words: string
  icon: IconName
  /** What can be typed for it at the beginning of a line. */
  hint: string
  /** Other words people look for it with. */
  also: string
  /** The words in hand become it. */
  apply: (chain: ChainedCommands) => ChainedCommands
  /** Is the caret in one? Without it, words cannot be turned into it. */
  on?: (editor: Editor) => boolean
}

const heading = (level: 1 | 2 | 3, icon: IconName): Block => ({
  words: `Heading ${level}`,
  icon,
  hint: '#'.repeat(level),
  also: `title h${level}`,
  apply: (chain) => chain.clearNodes().setHeading({ level }),
  on: (editor) => editor.isActive('heading', { level }),
})

const containers = ['heading', 'bulletList', 'orderedList', 'taskList', 'blockquote', 'codeBlock']

export const blocks: readonly Block[] = [
  {
    words: 'Text', icon: 'text', hint: '', also: 'paragraph plain',
    apply: (chain) => chain.clearNodes(), on: (editor) => !containers.some((name) => editor.isActive(name)),
  },
  heading(1, 'h1'),
  heading(2, 'h2'),
  heading(3, 'h3'),
  {
    words: 'Bulleted list', icon: 'bullets', hint: '-', also: 'unordered points ul',
    apply: (chain) => chain.clearNodes().toggleBulletList(), on: (editor) => editor.isActive('bulletList'),
  },
  {
    words: 'Numbered list', icon: 'numbers', hint: '1.', also: 'ordered ol',
    apply: (chain) => chain.clearNodes().toggleOrderedList(), on: (editor) => editor.isActive('orderedList'),
  },
  {
    words: 'Task list', icon: 'task', hint: '[ ]', also: 'to-do todo check box',
    apply: (chain) => chain.clearNodes().toggleTaskList(), on: (editor) => editor.isActive('taskList'),
  },
  {
    words: 'Quote', icon: 'quote', hint: '>', also: 'blockquote citation',
    apply: (chain) => chain.clearNodes().toggleBlockquote(), on: (editor) => editor.isActive('blockquote'),
  },
  {
    words: 'Code block', icon: 'code', hint: '```', also: 'program source',
    apply: (chain) => chain.clearNodes().setCodeBlock(), on: (editor) => editor.isActive('codeBlock'),
  },
  {
    words: 'Table', icon: 'table', hint: '', also: 'grid rows columns',
    apply: (chain) => chain.insertTable({ rows: 3, cols: 3, withHeaderRow: true }),
  },
  { words: 'Divider', icon: 'rule', hint: '---', also: 'line rule horizontal', apply: (chain) => chain.setHorizontalRule() },
]
