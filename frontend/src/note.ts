/** An open note: the doc, the device, the server and the editor, put together. The one thing that the pages use. */
import type { Editor } from '@tiptap/core'
import { get, writable, type Readable } from 'svelte/store'
import * as Y from 'yjs'
import type { Role, State } from './api'
import { Composition } from './composition'
import { Device, type Kept, type Moment } from './device'
import { makeEditor, undoManager } from './editor'
import { heedCaret } from './heed'
import { socketLink, type Problem } from './link'
import { Mending } from './mending'
import { MERGED, type Merged } from './orphans'
import { peopleOf, scrollTo, type Present } from './presence'
import { Provider, isForGood, mayWrite, type Joined } from './provider'
import { bringBack } from './restoring'
import { Saver } from './saver'
import { TITLE } from './schema'
import { nextChange, statusOf, type Facts, type Status } from './status'
import { bringsNothing, textOf, textOfUpdates } from './text'
import { Title } from './title'
import { asideIsHere, deleted, reasonOf, refused, rewritten, troubleOf, unshowable, type Trouble } from './trouble'

export type { Present, Status, Trouble }

export interface NoteOptions {
  documentId: string
  /** Who is signed in, null for a reader without an account. */
  user: { id: number; name: string } | null
  /** What the page's boot object says; null when the page came from this device. */
  role: Role | null
  /** What the server has of it, on its way already, for a device that has nothing of it; null: it is not asked for. */
  ahead: Promise<State | null> | null
  /** The device has something of it after all: open it once more, without `ahead`. */
  again: () => void
  /** Where the text goes: an empty element. */
  body: HTMLElement
  /** The title: an empty element, made editable here. */
  title: HTMLElement
  /** Something to be said in the live region or in a toast: "Back online, all edits saved". */
  announce: (words: string) => void
  /** Somebody signed in in another tab, and nothing waits here any more: the note can be opened again as theirs. */
  other: () => void
}

/** Something of the past that was brought back. */
export interface Restoring {
  /** Take it back, whatever was done since. */
  undo(): void
  /** The entry that holds it, once the server has it; null: the server has it, and cannot name the entry. */
  seq: Promise<number | null>
}

/** Its functions need no `this`. */
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
  forgetSetAside(): Promise<void>
  /** The newest entry of the log that the doc has. */
  seq: Readable<number>
  /** How much of what the server lets a note hold this one has: 0 to 1. */
  filled: Readable<number>
  /** The doc has every entry up to this one. Rejects when that does not come within some seconds. */
  reaches(seq: number): Promise<void>
  /** Merge this update, which brings something of the past back, as an ordinary edit of this person and as one step of undo; null: it changes nothing. */
  restore(update: Uint8Array): Restoring | null
  /** The note as plain text: title, then body. */
  copyText(): string
  /** Try again now: connect, join, send what waits. */
  retry(): void
  /** Set the copy here aside, with the edits that the server does not take. True: load the page again, to see the note as the server has it. */
  afresh(): Promise<boolean>
  /** Scroll to where this person's caret is. False: it is not in the text. */
  jumpTo(userId: number): boolean
  destroy(): void
}

/** A device that does not answer within these milliseconds does not hold up the note. */
const DEVICE_WITHIN = 3000
/** What does not come ahead within these milliseconds comes over the connection. */
const AHEAD_WITHIN = 3000
/** What others wrote is here within these milliseconds, or the connection is lost. */
const NEWS_WITHIN = 5000

/** Tiptap's own `focus` waits for a frame, in which the next key would still land in the title. */
function toStart(editor: Editor): void {
  editor.commands.setTextSelection(0)
  editor.view.focus()
}

export function openNote(options: NoteOptions): Note {
  const { documentId, user, body, announce, other, again } = options
  const doc = new Y.Doc()
  const editor = writable<Editor | null>(null)
  const role = writable<Role | null>(options.role)
  const people = writable<Present[]>([])
  const titleText = writable('')
  const trouble = writable<Trouble | null>(null)
  const setAside = writable<string | null>(null)
  const seq = writable(0)
  const filled = writable(0)

  let known = options.role
  let shown: { editor: Editor; title: Title; undo: Y.UndoManager } | null = null
  let isUnshowable = false
  let isDeleted = false
  /** The last answer to a join that was looked at. */
  let seen: Joined | null = null
  let rewriting: Trouble | null = null
  let hasAside = false
  /** The doc has had all that the server has. */
  let isSynced = false
  /** The newest entry in what the device had of the note. */
  let keptSeq = 0
  let wasOffline = false
  /** What the device has of the note is in the doc, if it has something. */
  let isWhole = false
  let clock: ReturnType<typeof setTimeout> | undefined
  let closed = false
  let changedHands = false

  const device: Device = new Device(user?.id ?? null, documentId, () => refresh(), moment)
  const provider: Provider = new Provider(doc, documentId, socketLink(documentId), device, {
    changed: () => refresh(),
    synced: () => {
      show()
      isSynced = true
      void offerAside()
    },
    coming: () => heed(),
    document: (news) => {
      if (news.deleted) isDeleted = true
      if (news.filled !== undefined) filled.set(news.filled)
      refresh()
    },
    advanced: () => seq.set(provider.seq),
    unseen: (error) => showAnew(error),
  })
  const composition = new Composition(body)
  provider.holdWhile(() => composition.holds())
  const mending = new Mending(documentId, doc)
  const { whereabouts, outbox } = provider
  const { awareness } = whereabouts
  const saver = new Saver(doc, device)

  /** What the device can open again. */
  function moment(): Moment | null {
    if (provider.epoch === null || known === null || !isWhole) return null
    provider.settle()
    return { epoch: provider.epoch, role: known, seq: provider.seq, state: Y.encodeStateAsUpdate(doc) }
  }

  /** All entries of the log up to this one are in the doc. */
  const reached = () => Math.max(provider.seq, keptSeq)
  /** How many edits are on the device. */
  const kept = () => (device.gone ? 0 : device.sealed ? outbox.length : outbox.kept)
  const writes = () => mayWrite(known, provider.joined ? provider.joined.user : user)
  const facts = (): Facts => ({
    joined: provider.joined !== null,
    mayWrite: writes() && current() === null,
    edits: outbox.length,
    kept: kept(),
    broken: device.broken,
    waiting: outbox.since === null ? 0 : performance.now() - outbox.since,
    away: performance.now() - provider.lostAt,
    refused: reason(),
  })
  const status = writable<Status>(statusOf(facts()))

  function reason(): string | null {
    if (isDeleted) return 'the note was deleted'
    const problem = provider.refusal ?? provider.out
    return problem && reasonOf(problem)
  }

  /** What stands in the way now. */
  function current(): Trouble | null {
    if (rewriting) return rewriting
    if (isDeleted) return deleted(shown !== null, known === 'owner')
    if (isUnshowable) return unshowable
    if (provider.out && !mending.busy) return troubleOf(provider.out, { shown: shown !== null, edits: outbox.length, kept: kept() === outbox.length })
    return null
  }

  /** Say what is true now, and look again when time alone makes it something else. */
  function refresh(): void {
    if (closed) return
    if (provider.joined) {
      known = provider.joined.role
      // Only whoever is let in anew knows that it is there again: that it was deleted is told while we are in.
      if (provider.joined !== seen) {
        isDeleted = false
        filled.set(provider.joined.filled)
      }
      if ((provider.joined.user?.id ?? null) !== (user?.id ?? null) && !outbox.length && !changedHands) {
        changedHands = true
        other()
      }
    }
    seen = provider.joined
    if (provider.out?.error === 'epoch' && !rewriting) void putAside(provider.out.erased === true)
    if (provider.out?.error === 'damaged' && writes() && mending.can(provider.out, reached())) void mend(provider.out)
    role.set(known)
    const stuck = outbox.length > 0 && provider.refusal !== null && isForGood(provider.refusal)
    trouble.set(current() ?? (stuck ? refused(writes(), !device.broken) : hasAside ? asideIsHere : null))
    const editable = writes() && current() === null
    if (shown && shown.editor.isEditable !== editable) {
      shown.editor.setEditable(editable, false)
      shown.title.editable = editable
    }
    const now = facts()
    const next = statusOf(now)
    status.update((before) => (before.words === next.words && before.state === next.state && before.pending === next.pending ? before : next))
    if (next.state === 'offline' && now.edits) wasOffline = true
    else if (wasOffline && now.joined && !now.edits) {
      wasOffline = false
      announce('Back online, all edits saved')
    }
    clearTimeout(clock)
    const change = nextChange(now)
    if (change !== null) clock = setTimeout(refresh, change)
  }

  /** There is a text: from here on it can be edited. */
  function show(): void {
    if (closed || shown) return
    const undo = undoManager(doc)
    const editable = writes()
    let made: Editor
    try {
      made = makeEditor(body, { doc, awareness, undo, editable, failed: showAnew })
    } catch (error) {
      // It holds what no version of the page has written. What the server wrote into the page stays, to be read and copied.
      console.error(error)
      undo.destroy()
      isUnshowable = true
      return refresh()
    }
    isUnshowable = false
    const title = new Title(options.title, doc.getText(TITLE), { undo, next: () => toStart(made) })
    title.editable = editable
    shown = { editor: made, title, undo }
    titleText.set(doc.getText(TITLE).toString())
    editor.set(made)
    refresh()
  }

  function reaches(wanted: number): Promise<void> {
    provider.settle()
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        stop()
        reject(new Error(`expected entry ${wanted} within ${NEWS_WITHIN} ms, the newest one here is ${provider.seq}`))
      }, NEWS_WITHIN)
      const stop = seq.subscribe((newest) => {
        if (newest < wanted) return
        clearTimeout(late)
        resolve()
        queueMicrotask(() => stop())
      })
    })
  }

  function restore(update: Uint8Array): Restoring | null {
    if (!shown) throw new Error('expected a note that is shown')
    const undo = bringBack(doc, shown.undo, update)
    if (!undo) return null
    const edit = outbox.all.find((one) => one.update === update)
    if (!edit) throw new Error('expected an edit that waits to be sent')
    return { undo, seq: provider.entryOf(edit) }
  }

  /** A part of the note is damaged on the server. What is here may have it whole. */
  async function mend(problem: Problem): Promise<void> {
    const mended = await mending.offer(problem, reached(), outbox.all)
    if (closed) return
    if (mended) provider.retry()
    else refresh()
  }

  function heed(): void {
    try {
      if (shown) heedCaret(shown.editor.view)
    } catch (error) {
      showAnew(error)
    }
  }

  /** The editor failed at a change that is in the doc: what it shows is not what is there, and typing in it would take that away. */
  function showAnew(error: unknown): void {
    console.error(error)
    const before = shown && { selection: shown.editor.state.selection, focused: shown.editor.view.hasFocus() }
    shown?.title.destroy()
    shown?.editor.destroy()
    shown = null
    editor.set(null)
    show()
    const now = get(editor)
    if (!before || !now) return
    now.commands.setTextSelection(before.selection)
    if (before.focused) now.view.focus()
  }

  async function putAside(erased: boolean): Promise<void> {
    rewriting = rewritten(false, erased)
    seq.set(0) // no entry of the log that there is now
    // What was erased must not stay here, and there is nothing in this copy that could be missed. After a backup was restored there may
    // be: edits that the server had before, and does not know any more.
    if (erased && !outbox.length && (await device.drop())) {
      provider.epoch = null // or the copy would be stored once more
      return location.reload()
    }
    rewriting = rewritten(await device.setAside(Y.encodeStateAsUpdate(doc)), erased)
    refresh()
  }

  /** Offer the copies that lie apart on this device, unless there is nothing in them that the note does not have. */
  async function offerAside(): Promise<void> {
    const asides = await device.aside()
    if (closed) return
    if (asides.length && isSynced && asides.every((updates) => bringsNothing(doc, updates))) {
      await device.forgetAside()
      asides.length = 0
    }
    hasAside = asides.length > 0
    setAside.set(hasAside ? asides.map(textOfUpdates).join('\n\n') : null)
    refresh()
  }

  /** What the device has; null: nothing, or it does not answer. `wait` is called anew when it could not be heard. */
  function open(): { onDevice: Promise<Kept | null>; wait: () => void } {
    let late: ReturnType<typeof setTimeout> | undefined
    let giveUp = () => {}
    const wait = () => {
      clearTimeout(late)
      late = setTimeout(giveUp, DEVICE_WITHIN)
    }
    const onDevice = new Promise<Kept | null>((resolve) => {
      giveUp = () => {
        device.giveUp()
        resolve(null)
      }
      wait()
      void device.open().then((opened) => {
        clearTimeout(late)
        giveUp = () => {}
        resolve(opened)
      })
    })
    return { onDevice, wait }
  }

  /**
   * Read what comes ahead while the device looks: it takes its time where nobody has been before. True: it is in the doc. What the
   * device has makes it needless.
   */
  async function begin(onDevice: Promise<Kept | null>): Promise<boolean> {
    let late: ReturnType<typeof setTimeout> | undefined
    const patience = new Promise<null>((resolve) => (late = setTimeout(resolve, AHEAD_WITHIN, null)))
    const state = await Promise.race([options.ahead, patience, onDevice.then((found) => (found ? null : options.ahead))])
    clearTimeout(late)
    if (closed || !state) return false
    provider.begin(state)
    return true
  }

  async function start(): Promise<void> {
    const { onDevice, wait } = open()
    const begun = await begin(onDevice)
    // A large note takes a slow phone seconds to read.
    if (begun) wait()
    const found = await onDevice
    if (closed) return
    if (begun && found) return again()
    isWhole = true
    if (begun) show()
    if (found) {
      provider.takeOver(found.edits)
      doc.transact(({ meta }) => {
        meta.set(MERGED, { updates: found.updates.map((update) => ({ update })), from: 'device' } satisfies Merged)
        for (const update of found.updates) Y.applyUpdate(doc, update, device)
      }, device)
      provider.epoch = found.epoch
      keptSeq = found.seq
      known ??= found.role
      if (found.epoch !== null) show()
    }
    provider.connect()
    refresh()
    await offerAside()
  }

  const guard = (event: BeforeUnloadEvent) => {
    if (outbox.length > kept()) event.preventDefault()
  }
  let gathering = false
  // Many states come at once after a join; the faces are drawn once.
  const gather = () => {
    if (gathering) return
    gathering = true
    queueMicrotask(() => {
      gathering = false
      people.set(peopleOf(awareness))
    })
  }
  const retitle = () => titleText.set(doc.getText(TITLE).toString())

  addEventListener('beforeunload', guard)
  awareness.on('change', gather)
  doc.getText(TITLE).observe(retitle)
  void start()

  return {
    doc, editor, status, people, role, titleText, trouble, setAside, seq, filled, reaches, restore,
    async forgetSetAside() {
      await device.forgetAside()
      hasAside = false
      setAside.set(null)
      refresh()
    },
    copyText: () => textOf(doc),
    retry() {
      isDeleted = false
      provider.retry()
    },
    async afresh() {
      shown?.editor.setEditable(false, false)
      if (shown) shown.title.editable = false
      const done = await device.setAside(Y.encodeStateAsUpdate(doc))
      refresh()
      return done
    },
    jumpTo: (userId) => shown !== null && scrollTo(userId, awareness, shown.editor),
    destroy() {
      closed = true
      clearTimeout(clock)
      removeEventListener('beforeunload', guard)
      awareness.off('change', gather)
      shown?.title.destroy()
      shown?.editor.destroy()
      composition.destroy()
      provider.destroy()
      void saver.destroy().then(() => device.close())
      doc.destroy()
    },
  }
}
