import { documents, remove, removeForever, restore, retitle, type ApiError, type DocumentInfo } from './api'
import { session } from './session.svelte'
import { say, toast } from './shell.svelte'
import type { View } from './views'

/** The notes of the person who is here, and what they do with them. */
export class Library {
  notes = $state.raw<DocumentInfo[] | null>(null)
  bin = $state.raw<DocumentInfo[]>([])
  error = $state.raw<ApiError | null>(null)

  readonly shared = $derived((this.notes ?? []).filter((note) => note.owner.id !== session.user?.id))
  readonly counts = $derived<Record<View, number>>({ all: this.notes?.length ?? 0, shared: this.shared.length, bin: this.bin.length })

  of(view: View): DocumentInfo[] {
    return view === 'bin' ? this.bin : view === 'shared' ? this.shared : (this.notes ?? [])
  }

  async load(): Promise<void> {
    this.error = null
    try {
      ;[this.notes, this.bin] = await Promise.all([documents(), documents(true)])
    } catch (error) {
      this.error = error as ApiError
    }
  }

  async rename(note: DocumentInfo, title: string): Promise<void> {
    const renamed = await retitle(note.id, title)
    this.notes = (this.notes ?? []).map((other) => (other.id === note.id ? renamed : other))
  }

  async throwAway(note: DocumentInfo): Promise<void> {
    await remove(note.id)
    await this.load()
    this.offerUndo(note.id)
  }

  offerUndo(id: string): void {
    toast('Moved to the bin', { label: 'Undo', run: () => void this.bringBack(id) })
  }

  async bringBack(id: string): Promise<void> {
    await restore(id)
    await this.load()
    say('The note is back')
  }

  async destroy(note: DocumentInfo): Promise<void> {
    await removeForever(note.id)
    await this.load()
    toast('Deleted for good')
  }
}
