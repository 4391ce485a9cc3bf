/** Somebody with a note open who writes in its text, through the editor's own steps; what they see, and the log that comes of it. */
import type { Node as PmNode } from '@tiptap/pm/model'
import { Transform } from '@tiptap/pm/transform'
import { initProseMirrorDoc, updateYFragment, ySyncPluginKey } from 'y-prosemirror'
import * as Y from 'yjs'
import { undoManager } from '../src/editor'
import type { Group } from '../src/history/chunks'
import { Past, type Restored } from '../src/history/past'
import { MERGED, type Merged } from '../src/orphans'
import { bringBack } from '../src/restoring'
import { BODY } from '../src/schema'
import { author, edited, ofTypes } from './canonical'
import { Person } from './person'
import type { Server } from './server'
import { schema } from './writers'

export class Author extends Person {
  /** Each edit is a step of it. */
  readonly undo = undoManager(this.doc)

  constructor(...given: ConstructorParameters<typeof Person>) {
    super(...given)
    this.undo.captureTimeout = 0
  }

  get body(): Y.XmlFragment {
    return this.doc.getXmlFragment(BODY)
  }

  /** What the editor would show. */
  get html(): string {
    return edited(ofTypes(this.body))
  }

  edit(change: (tr: Transform) => void): this {
    const { doc, meta } = initProseMirrorDoc(this.body, schema)
    const tr = new Transform(doc)
    change(tr)
    if (tr.docChanged) this.doc.transact(() => updateYFragment(this.doc, this.body, tr.doc, meta), ySyncPluginKey)
    return this
  }

  /** What was on the device. */
  loads(updates: readonly Uint8Array[]): void {
    this.doc.transact(({ meta }) => {
      meta.set(MERGED, { updates: updates.map((update) => ({ update })), from: 'device' } satisfies Merged)
      for (const update of updates) Y.applyUpdate(this.doc, update, this.shelf)
    }, this.shelf)
  }

  /** Behind these words. */
  writes(words: string, behind: string): this {
    return this.edit((tr) => tr.insert(find(tr.doc, behind) + behind.length, schema.text(words)))
  }

  deletes(words: string): this {
    return this.edit((tr) => tr.delete(find(tr.doc, words), find(tr.doc, words) + words.length))
  }

  /** Take away the block of the note that holds these words. */
  removes(words: string): this {
    return this.edit((tr) => {
      const block = tr.doc.resolve(find(tr.doc, words))
      tr.delete(block.before(1), block.after(1))
    })
  }

  appends(...blocks: PmNode[]): this {
    return this.edit((tr) => tr.insert(tr.doc.content.size, blocks))
  }

  /** The note as it was at an entry, made of what is known up to another. How to take that back; null: it is so already. */
  async restores(server: Server, to: number, known = this.provider.seq): Promise<(() => void) | null> {
    const past = await Past.of(groupsOf(server, known), author)
    const restored: Restored | null = past.restore({ to })
    past.destroy()
    return restored && bringBack(this.doc, this.undo, restored.update)
  }
}

export const groupsOf = ({ log }: Server, until = log.length): Group[] =>
  log.slice(0, until).map(({ update, user }, at) => ({ first: at + 1, last: at + 1, user: user?.id ?? null, session: '1', time: at * 1000, update }))

/** Where in the document these words begin. */
export function find(doc: PmNode, words: string): number {
  let found = -1
  doc.descendants((node, at) => {
    const within = node.isTextblock ? node.textContent.indexOf(words) : -1
    if (found < 0 && within >= 0) found = at + 1 + within
  })
  if (found < 0) throw new Error(`expected ${words} in ${doc.toString()}`)
  return found
}
