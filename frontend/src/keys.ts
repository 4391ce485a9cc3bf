/** What the shell does on a key; the editor has keys of its own. */
export type Command = 'palette' | 'new' | 'help' | 'save' | 'share' | 'link' | 'history' | 'who'

interface Shortcut { words: string; keys: string[]; command?: Command }

export const mac = /Mac|iPhone|iPad/.test(navigator.platform)
const Ctrl = mac ? '⌘' : 'Ctrl'
const Alt = mac ? '⌥' : 'Alt'
const Shift = mac ? '⇧' : 'Shift'

/** Every shortcut there is, as the list behind `?` shows them. */
export const shortcuts: { name: string; list: Shortcut[] }[] = [
  { name: 'Anywhere', list: [
    { words: 'Find or do anything', keys: [Ctrl, 'K'], command: 'palette' },
    { words: 'New note', keys: [Ctrl, Alt, 'N'], command: 'new' },
    { words: 'This list', keys: ['?'], command: 'help' },
  ] },
  { name: 'In a note', list: [
    { words: 'Insert a block', keys: ['/'] },
    { words: 'Share', keys: [Ctrl, Alt, 'S'], command: 'share' },
    // On a Mac ⌘⌥H belongs to the system.
    { words: 'History', keys: mac ? [Ctrl, Alt, Shift, 'H'] : [Ctrl, Alt, 'H'], command: 'history' },
    { words: 'Who wrote this', keys: [Ctrl, Alt, 'B'], command: 'who' },
    { words: 'See that it is saved; twice: name this version', keys: [Ctrl, 'S'], command: 'save' },
    { words: 'Undo your own edit', keys: [Ctrl, 'Z'] },
    { words: 'Redo it', keys: [Ctrl, Shift, 'Z'] },
  ] },
  { name: 'Words', list: [
    { words: 'Bold', keys: [Ctrl, 'B'] },
    { words: 'Italic', keys: [Ctrl, 'I'] },
    { words: 'Strike', keys: [Ctrl, Shift, 'S'] },
    { words: 'Code', keys: [Ctrl, 'E'] },
    { words: 'Highlight', keys: [Ctrl, Shift, 'H'] },
    { words: 'Link', keys: [Ctrl, Shift, 'K'], command: 'link' },
  ] },
  { name: 'In the history', list: [
    { words: 'Next, previous change', keys: ['J K'] },
    { words: 'Play, or stop', keys: ['Space'] },
    { words: 'A change back or on', keys: ['← →'] },
    { words: 'A sitting back or on', keys: [Shift, '← →'] },
    { words: 'A version back or on', keys: [Ctrl, '← →'] },
    { words: 'From block to block, and bring it back', keys: ['↑ ↓ Enter'] },
  ] },
  { name: 'Blocks', list: [
    { words: 'Heading 1, 2, 3', keys: [Ctrl, Alt, '1 2 3'] },
    { words: 'Numbered list', keys: [Ctrl, Shift, '7'] },
    { words: 'Bulleted list', keys: [Ctrl, Shift, '8'] },
    { words: 'Task list', keys: [Ctrl, Shift, '9'] },
    { words: 'Further in', keys: ['Tab'] },
    { words: 'Further out', keys: [Shift, 'Tab'] },
    { words: 'To the toolbar', keys: [Alt, 'F10'] },
  ] },
]

/** The name of the key: letters by place when Alt is held, because Alt changes what a key writes. */
const letter = (event: KeyboardEvent) =>
  event.altKey && event.code.startsWith('Key') ? event.code.slice(3) : event.key.length === 1 ? event.key.toUpperCase() : event.key

/** What this key press asks for; `typing`: the caret is in a text, where plain keys are letters. */
export function commandOf(event: KeyboardEvent, typing: boolean): Command | null {
  if (event.isComposing) return null
  const ctrl = mac ? event.metaKey : event.ctrlKey
  // On many layouts AltGr arrives as Ctrl+Alt: whoever types a letter with it must get the letter.
  if (event.altKey && event.getModifierState('AltGraph')) return null
  if (!ctrl && !event.altKey && event.key === '?') return typing ? null : 'help'
  const held = [ctrl && Ctrl, event.shiftKey && Shift, event.altKey && Alt].filter(Boolean)
  const pressed = [...held, letter(event)].sort().join()
  for (const { list } of shortcuts)
    for (const { keys, command } of list)
      if (command && keys.length > 1 && [...keys].sort().join() === pressed) return command
  return null
}

/** The keys of a command, as they are shown. */
export function keysOf(command: Command): string[] {
  return shortcuts.flatMap(({ list }) => list).find((shortcut) => shortcut.command === command)?.keys ?? []
}
