import { fromStore } from 'svelte/store'
import type { Note } from '../note'
import { session } from '../session.svelte'
import type { View } from './address'
import { Drawing } from './drawing.svelte'
import { Filter } from './filter.svelte'
import { Log } from './log.svelte'
import { Player } from './player.svelte'
import { Restorer } from './restorer'
import type { History } from './server'
import { Track } from './track.svelte'
import { Versions } from './versions'
import { Viewing } from './viewing.svelte'

/** The past of a note while somebody looks at it. Each part builds on those before it. */
export class Review {
  readonly log: Log
  readonly versions: Versions
  readonly filter: Filter
  readonly track: Track
  readonly viewing: Viewing
  readonly drawing: Drawing
  readonly player: Player
  readonly restorer: Restorer

  now = $state(Date.now())
  private readonly clock = setInterval(() => (this.now = Date.now()), 20_000)
  private readonly role
  private readonly trouble

  /** `opened`: what the server said when the note was opened, with what was new then. `asked`: what to look at; null: at what is new. */
  constructor(readonly documentId: string, readonly note: Note, opened: History | null, asked: View | null) {
    this.role = fromStore(note.role)
    this.trouble = fromStore(note.trouble)
    this.log = new Log(documentId, note.seq, opened, (history) => this.viewing.begin(history))
    this.versions = new Versions(this.log)
    this.filter = new Filter(this.log)
    this.track = new Track(this.log)
    this.viewing = new Viewing(this.log, asked)
    this.drawing = new Drawing(this.log, this.filter, this.viewing)
    this.player = new Player(this.log, this.track, this.viewing)
    this.restorer = new Restorer(this.log, this.viewing, this.drawing, note)
    void this.log.open()
  }

  destroy(): void {
    clearInterval(this.clock)
    this.player.pause()
    this.log.destroy()
  }

  get mayWrite(): boolean {
    return !!session.user && (this.role.current === 'editor' || this.role.current === 'owner') && this.trouble.current?.kind !== 'damaged'
  }

  get isOwner(): boolean {
    return this.role.current === 'owner'
  }
}
