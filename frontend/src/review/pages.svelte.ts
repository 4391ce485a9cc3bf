import { addressOf, placeOf, type Place } from './address'

interface Kept { opened?: true }

/** The note, its history and who wrote it: three addresses of one page. The note stays open behind the other two. */
export class Pages {
  place = $state.raw<Place>(placeOf(location))
  /** Whoever comes back from the past has changed the note there: the text gets the focus, so that undo is at hand. */
  toText = false
  private scroll = 0

  constructor(private readonly documentId: string) {}

  /** Call when the browser goes back or forward. */
  moved(): void {
    this.put(placeOf(location))
  }

  /** Going on from the note is a step that Back takes back; from one look at the past to another is not. */
  go(place: Place): void {
    const address = addressOf(this.documentId, place)
    if (this.place.kind === 'note') window.history.pushState({ opened: true } satisfies Kept, '', address)
    else window.history.replaceState(window.history.state, '', address)
    this.put(place)
  }

  /** Back to the note. `toText`: it was changed there. */
  close(toText = false): void {
    if (this.place.kind === 'note') return
    this.toText = toText
    if ((window.history.state as Kept | null)?.opened) return window.history.back()
    window.history.replaceState(null, '', addressOf(this.documentId, { kind: 'note' }))
    this.put({ kind: 'note' })
  }

  private put(place: Place): void {
    if (this.place.kind === 'note') this.scroll = scrollY
    this.place = place
    // The note was out of the page, and a page without it is at its top.
    if (place.kind === 'note') requestAnimationFrame(() => scrollTo(0, this.scroll))
  }
}
