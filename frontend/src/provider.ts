import * as Y from 'yjs'
import type { Role, State } from './api'
import { Inbox } from './inbox'
import type { Link, News, OpenLink, Problem } from './link'
import { decode, encode } from './messages'
import { MERGED, Orphans, type Merged } from './orphans'
import { Outbox, lacking, type Edit } from './outbox'
import { Reconnect } from './reconnect'
import { Sender, problemOf } from './sender'
import { SCHEMA_VERSION } from './version'
import { Whereabouts, type Identity } from './whereabouts'

/** The server's answer to a join. */
export interface Joined { role: Role; epoch: string; seq: number; user: Identity | null; filled: number }

/** Where edits lie until they are acknowledged (device.ts). */
export interface Shelf {
  add(edit: Edit): void
  know(update: Uint8Array): void
  acknowledged(edits: readonly Edit[]): void
}

export interface ProviderEvents {
  /** Something that the status or the role tells has changed. */
  changed(): void
  /** The doc has everything that the server had when it was asked. */
  synced(): void
  document(news: News): void
  /** What others did is about to come into the doc. */
  coming(): void
  /** The doc has newer entries of the log than before: see `seq`. */
  advanced(): void
  /** The doc is right, but who shows it failed with this error and must begin anew. */
  unseen(error: unknown): void
}

/** Nobody writes without a name, whatever the link they came through allows. */
export const mayWrite = (role: Role | null, user: unknown): boolean => !!user && (role === 'editor' || role === 'owner')

/** After these the way back in is a join, soon for the first and with longer waits for each after it. */
const JOIN_AGAIN = new Set(['resync', 'not-joined', 'moved', 'access', 'rate', 'storage'])
/** Nobody is let in until somebody has repaired it: that is said, and tried again. */
const waits = (problem: Problem | null) => problem?.error === 'damaged'
/** These say something about an edit; all others, that we are out of the document. */
const ABOUT_AN_EDIT = new Set(['malformed', 'too-large', 'denied', 'quota'])
/** The same edit will be refused again. */
export const isForGood = ({ error }: Problem): boolean => ABOUT_AN_EDIT.has(error)

const unreadable: Problem = { error: 'unreadable', message: 'what the server sent could not be read' }

/** Keeps a Y.Doc and the server's log the same, over any number of lost connections (sync/README.md). */
export class Provider {
  readonly outbox = new Outbox()
  readonly whereabouts: Whereabouts
  /** What the server said at the last join; null: it has not let us in at this moment. */
  joined: Joined | null = null
  /** Why the server does not let us in, or put us out; null: it does, or it is not reached. */
  out: Problem | null = null
  /** Why it did not take an edit; null: it took all that it answered. */
  refusal: Problem | null = null
  /** Since when we have not been in the document, by the clock of this page (performance.now, in milliseconds). */
  lostAt = performance.now()
  /** The history that the doc belongs to; null: none yet. */
  epoch: string | null = null

  private readonly link: Link
  private readonly inbox: Inbox
  private readonly sender: Sender
  private readonly orphans: Orphans
  private readonly reconnect = new Reconnect(() => this.comeBack(), () => this.lost())
  private readonly awaited = new Map<Edit, (seq: number | null) => void>()
  private turn = 0
  private open = false
  /** The server counts us among the people in the room, also while we do not listen. */
  private inRoom = false
  private stopped = true
  /** They were somebody when they were let in last, and have not been asked since who they are now. */
  private mayBeAnother = false
  /** After the last sync nothing waited for what it builds on. */
  private whole = false

  constructor(
    readonly doc: Y.Doc,
    private readonly documentId: string,
    openLink: OpenLink,
    private readonly shelf: Shelf,
    private readonly events: ProviderEvents,
  ) {
    this.link = openLink({
      opened: () => void this.join(),
      closed: (problem) => (problem ? this.putOut(problem) : this.lost()),
      message: (bytes, seq) => this.receive(bytes, seq),
      expelled: (problem) => {
        this.inRoom = false
        this.putOut(problem)
      },
      drain: (delay) => this.drain(delay),
      document: (news) => this.events.document(news),
    })
    this.inbox = new Inbox(doc, this, {
      coming: () => this.events.coming(),
      applied: () => this.applied(),
      failed: () => this.putOut(unreadable),
      unseen: (error) => this.events.unseen(error),
    })
    this.sender = new Sender(doc, this.outbox, {
      ask: (message) => this.link.ask('message', message),
      acknowledged: (edits, seq) => this.acknowledged(edits, seq),
      refused: (problem) => this.notTaken(problem),
      lost: () => this.lost(),
    })
    this.whereabouts = new Whereabouts(doc, (states) => {
      // Nobody waits for an answer: the next state says more than this one.
      if (this.joined) this.link.ask('message', encode({ kind: 'awareness', payload: states })).catch(() => undefined)
    })
    this.orphans = new Orphans(doc, {
      isHere: (client) => this.whereabouts.awareness.getStates().has(client),
      mayWrite: () => !this.joined || mayWrite(this.joined.role, this.joined.user),
    })
    doc.on('update', this.made)
  }

  /** The newest entry of the log that the doc has. */
  get seq(): number {
    return this.inbox.seq
  }

  /** The entry that holds this edit, once the server has acknowledged it; null: it is in one that the server cannot name any more. */
  entryOf(edit: Edit): Promise<number | null> {
    return new Promise((resolve) => this.awaited.set(edit, resolve))
  }

  /** Everything that has come is in the doc; while somebody composes, it comes there later, and `seq` with it. */
  settle(): void {
    this.inbox.flush()
  }

  /** `composing`: an input method holds the element that shows the doc, and nothing of others may be drawn in it now. */
  holdWhile(composing: () => boolean): void {
    this.inbox.held = composing
  }

  connect(): void {
    this.stopped = false
    this.link.open()
  }

  /** Forget why it did not work, and try all of it again now. */
  retry(): void {
    this.out = this.refusal = null
    this.stopped = false
    this.reconnect.now()
    this.events.changed()
  }

  /** Edits that an earlier page, or another tab, left on this device, before they are in the doc. */
  takeOver(edits: readonly Edit[]): void {
    this.outbox.add(...edits)
    this.orphans.takeOver(edits.map(({ update }) => update))
  }

  /** What the server had when the page was fetched: a join asks for what is missing in it. */
  begin({ epoch, seq, update }: State): void {
    const { doc, shelf, made } = this
    this.epoch = epoch
    // All of it is written down in this update: Yjs need not do so once more.
    doc.off('update', made)
    this.inbox.push(update, seq, false)
    this.settle()
    doc.on('update', made)
    shelf.know(update)
  }

  destroy(): void {
    this.stop()
    this.doc.off('update', this.made)
    this.reconnect.destroy()
    this.inbox.flush()
    this.orphans.destroy()
    this.link.close()
    this.whereabouts.destroy()
  }

  private made = (update: Uint8Array, origin: unknown, _doc: Y.Doc, { meta }: Y.Transaction) => {
    if (origin === this) return this.shelf.know(update)
    if (origin === this.shelf) return
    // What Yjs makes of an edit that was made elsewhere names what came meanwhile, as if it had been deleted on purpose.
    const merged = meta.get(MERGED) as Merged | undefined
    const edit: Edit = { update: merged?.updates[0]?.update ?? update, made: performance.now(), row: null }
    this.outbox.add(edit)
    this.orphans.made(edit.update)
    this.shelf.add(edit)
    this.sender.more()
    this.events.changed()
  }

  private comeBack(): void {
    if (this.open) void this.join()
    else this.link.open()
  }

  private async join(): Promise<void> {
    this.open = true
    this.leaveRoom()
    const { turn, doc } = this
    try {
      if (this.inRoom) await this.link.ask('leave')
      if (turn !== this.turn) return
      // From here on, whether we hear of it or not.
      this.inRoom = true
      const answer = await this.link.ask('join', { document: this.documentId, client: doc.clientID, schema: SCHEMA_VERSION, epoch: this.epoch })
      if (turn !== this.turn) return
      const problem = problemOf(answer)
      if (problem) {
        this.inRoom = false
        return this.putOut(problem)
      }
      this.enter(answer as Joined)
      const refused = problemOf(await this.link.ask('message', encode({ kind: 'step1', payload: Y.encodeStateVector(doc) })))
      if (turn === this.turn && refused) this.putOut(refused)
    } catch {
      if (turn === this.turn) this.lost()
    }
  }

  private enter(joined: Joined): void {
    this.joined = joined
    this.mayBeAnother = true
    this.epoch = joined.epoch
    this.out = null
    this.whereabouts.enter(joined.user)
    this.events.changed()
  }

  private receive(bytes: Uint8Array, seq: number): void {
    // What comes after we are out is of no use: the next join asks for all that is missing.
    if (!this.joined) return
    try {
      const { kind, payload } = decode(bytes)
      if (kind === 'awareness') this.whereabouts.receive(payload)
      else if (kind === 'step1') this.answer(payload)
      else if (kind === 'update') this.inbox.push(payload, seq, true)
      else this.sync(payload, seq)
    } catch {
      this.putOut(unreadable)
    }
  }

  private sync(update: Uint8Array, seq: number): void {
    this.whole = false
    this.inbox.push(update, seq, false)
    this.inbox.after(() => {
      if (!this.joined) return
      this.whole = isWhole(this.doc)
      this.events.synced()
    })
  }

  private applied(): void {
    this.checkWhole()
    this.events.advanced()
  }

  /** An update that builds on something which never came: ask for all that is missing. */
  private checkWhole(): void {
    if (this.joined && this.whole && !isWhole(this.doc)) this.putOut({ error: 'resync', message: 'an update is missing' })
  }

  /** The server says what it has: send what it lacks. */
  private answer(stateVector: Uint8Array): void {
    this.settle()
    if (!this.joined) return
    if (!mayWrite(this.joined.role, this.joined.user)) {
      if (this.outbox.length) this.notTaken({ error: 'denied', message: 'you may only read this note now' })
      return
    }
    const missing = lacking(this.doc, this.outbox.all, stateVector)
    if (!missing) {
      this.refusal = null
      this.reconnect.worked()
    }
    this.sender.start(missing)
    this.events.changed()
  }

  private acknowledged(edits: readonly Edit[], seq: number | null): void {
    this.outbox.remove(edits)
    for (const edit of edits) {
      this.awaited.get(edit)?.(seq)
      this.awaited.delete(edit)
    }
    this.orphans.acknowledged(edits.map(({ update }) => update), seq, this.inbox.empty)
    // What the others wrote before it was sent before the ack.
    if (seq !== null) this.inbox.reached(seq)
    this.events.advanced()
    this.shelf.acknowledged(edits)
    this.refusal = null
    this.reconnect.worked()
    this.events.changed()
  }

  private notTaken(problem: Problem): void {
    this.sender.stop()
    if (ABOUT_AN_EDIT.has(problem.error) || problem.error === 'storage') this.refusal = problem
    if (ABOUT_AN_EDIT.has(problem.error)) this.events.changed()
    else this.putOut(problem)
  }

  private putOut(problem: Problem): void {
    this.leaveRoom()
    if (problem.retry_after) this.reconnect.notWithin(problem.retry_after)
    if (problem.error === 'sign-in' && this.mayBeAnother) {
      // Perhaps they sign in, in another tab, at this moment: the next connection comes with what the browser knows then.
      this.mayBeAnother = false
      return this.lost()
    }
    if (JOIN_AGAIN.has(problem.error) || waits(problem)) this.reconnect.later()
    if (!JOIN_AGAIN.has(problem.error)) this.out = problem
    this.events.changed()
  }

  private drain(delay: number): void {
    this.reconnect.notWithin(delay)
    this.lost()
  }

  private lost(): void {
    this.leaveRoom()
    const wasOpen = this.open
    this.open = this.inRoom = false
    if (wasOpen) this.link.close()
    if (!this.stopped && (!this.out || waits(this.out))) this.reconnect.later()
    this.events.changed()
  }

  private stop(): void {
    this.stopped = true
    this.reconnect.stop()
    this.leaveRoom()
  }

  private leaveRoom(): void {
    if (this.joined) this.lostAt = performance.now()
    this.turn += 1
    this.joined = null
    this.inbox.forget()
    this.sender.stop()
    this.whereabouts.alone()
  }
}

const isWhole = (doc: Y.Doc) => doc.store.pendingStructs === null && doc.store.pendingDs === null
