import type { Editor } from '@tiptap/core'
import type { Readable } from 'svelte/store'
import type * as Y from 'yjs'
import type { Role } from './api'

/** What the one fixed place says about the text. */
export interface Status {
  state: 'saved' | 'saving' | 'offline' | 'reconnecting' | 'failed' | 'readonly'
  words: string
  /** Whether Copy text and Retry belong beside it. */
  actions: ('copy' | 'retry')[]
}

/** Somebody who is here now. One for each person, however many tabs they have; oneself comes first. */
export interface Present { id: number; name: string; slot: number; self: boolean }

/** Why the note cannot be worked with as usual, in a sentence, and the ways on. */
export interface Trouble {
  kind: 'not-found' | 'deleted' | 'sign-in' | 'schema' | 'epoch' | 'denied' | 'malformed'
  words: string
  /** copy: note.copyText(); retry: note.retry(); aside: copy note.setAside, then note.forgetSetAside(); the others are pages. */
  actions: ('copy' | 'retry' | 'aside' | 'sign-in' | 'reload' | 'home')[]
  /** Nothing of the note can be shown or edited until something is done. */
  closed: boolean
}

export interface NoteOptions {
  documentId: string
  /** Who is signed in, null for a reader without an account. */
  user: { id: number; name: string } | null
  /** What the page's boot object says; null when the page came from this device. */
  role: Role | null
  /** Where the text goes: an empty element. */
  body: HTMLElement
  /** The title: an empty element, made editable here. */
  title: HTMLElement
  /** Something to be said in the live region or in a toast: "Back online, all edits saved", "Saved automatically". */
  announce: (words: string) => void
}

export interface Note {
  doc: Y.Doc
  /** The editor, as soon as there is a text to show (from this device or from the server): until then leave the server's text in place. */
  editor: Readable<Editor | null>
  status: Readable<Status>
  people: Readable<Present[]>
  /** null: not known yet. It may change at any time. */
  role: Readable<Role | null>
  titleText: Readable<string>
  trouble: Readable<Trouble | null>
  /** The text of a copy that belongs to a history which was rewritten; null: there is none. */
  setAside: Readable<string | null>
  forgetSetAside(): void
  /** The note as plain text: title, then body. */
  copyText(): string
  /** Try again now: connect, join, send what waits. */
  retry(): void
  /** Scroll to where this person's caret is. False: it is not in the text. */
  jumpTo(userId: number): boolean
  /** Show names at the caret of this person (while their face has the focus). */
  destroy(): void
}

export declare function openNote(options: NoteOptions): Note

/** At signing out: nothing of this person stays on the device. */
export declare function clearDevice(userId: number | null): Promise<void>
