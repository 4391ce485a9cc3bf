import { ApiError } from '../api'
import type { Note } from '../note'
import { toast } from '../shell.svelte'
import type { Drawing } from './drawing.svelte'
import type { Log } from './log.svelte'
import { count } from './says'
import * as server from './server'
import type { Preview, Viewing } from './viewing.svelte'

const LONGEST_WHAT = 200

/** Brings back what was, as an edit like any other. */
export class Restorer {
  /** Takes back what was brought back last; null: there is nothing to take back. */
  undo: (() => void) | null = null

  constructor(private readonly log: Log, private readonly viewing: Viewing, private readonly drawing: Drawing, private readonly note: Note) {}

  /** Make it an edit. True: it is in the note. */
  async bringBack({ wanted, done, what }: Pick<Preview, 'wanted' | 'done' | 'what'>): Promise<boolean> {
    const { log, note } = this
    await log.grow()
    const { past } = log
    if (!past) return false
    try {
      // What is brought back builds on everything that the engine has.
      await note.reaches(past.head)
    } catch {
      toast('Not done: what others wrote has not come yet. Try again in a moment.')
      return false
    }
    const restored = past.restore(wanted)
    const restoring = restored && note.restore(restored.update)
    if (!restoring) {
      toast('Nothing to do: the note is like that already')
      return false
    }
    this.undo = () => {
      this.undo = null
      restoring.undo()
      toast('Undone')
    }
    toast(done, { label: 'Undo', run: () => this.undo?.() })
    void restoring.seq.then((seq) => (seq === null ? undefined : this.saysWhat(seq, what)))
    return true
  }

  /** Show the note without all that one person did in the range that is looked at. */
  previewPerson(user: number): void {
    const { log, viewing, drawing } = this
    const { view } = viewing
    if (view?.kind !== 'range') return
    const { name } = log.person(user)
    viewing.preview = {
      wanted: { user, after: view.from, until: Math.min(view.to ?? log.head, log.head) },
      title: `Without ${count(drawing.changes.filter((change) => change.user === user).length, 'change')} by ${name}`,
      act: 'Undo these changes', done: `Undid the changes by ${name}`, what: `Undid the changes by ${name}`,
    }
  }

  private async saysWhat(seq: number, what: string): Promise<void> {
    try {
      await server.act(this.log.documentId, seq, what.slice(0, LONGEST_WHAT))
      await this.log.ask()
    } catch (error) {
      // The words are back all the same; only the timeline does not say what this edit was.
      if (!(error instanceof ApiError)) throw error
    }
  }
}
