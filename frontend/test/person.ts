import * as Y from 'yjs'
import type { Role } from '../src/api'
import { Provider, type Shelf } from '../src/provider'
import type { Identity } from '../src/whereabouts'
import type { Server } from './server'

/** Somebody with a note open: writes in the title, which is enough for everything but the editor. */
export class Person {
  readonly doc = new Y.Doc()
  readonly provider: Provider
  readonly visitor: { user: Identity | null; role: Role }
  synced = 0
  /** What went wrong while the doc was shown. */
  readonly unseen: unknown[] = []
  /** What must not be kept anywhere else than in this person's tab. */
  readonly shelf: Shelf

  constructor(server: Server, name: string, slot: number, role: Role = 'editor', shelf: Shelf = { add() {}, know() {}, acknowledged() {} }) {
    this.visitor = { user: { id: slot, name, slot }, role }
    this.shelf = shelf
    this.provider = new Provider(this.doc, 'note', server.link(this.visitor), shelf, {
      changed() {},
      synced: () => (this.synced += 1),
      document() {},
      advanced() {},
      coming: () => undefined,
      unseen: (error) => this.unseen.push(error),
    })
  }

  get text(): Y.Text {
    return this.doc.getText('title')
  }

  type(words: string, at = this.text.length): this {
    for (const [offset, character] of [...words].entries()) this.text.insert(at + offset, character)
    return this
  }

  get reads(): string {
    return this.text.toString()
  }

  get sees(): string[] {
    return [...this.provider.whereabouts.awareness.getStates().values()].map(({ user }) => (user as Identity | undefined)?.name ?? '').filter(Boolean).sort()
  }
}
