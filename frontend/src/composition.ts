/** A composition is over when the editor has read what it left: a few milliseconds after its last event. */
const READ_WITHIN = 50
/** Who has not gone on composing for this long has left the keyboard. */
const AT_REST = 30_000

/** Whether an input method (Japanese, Chinese, Korean, a dead key, a phone's keyboard) holds something within `element` now. */
export class Composition {
  private last = -Infinity
  private open = false

  constructor(private readonly element: HTMLElement) {
    for (const type of ['compositionstart', 'compositionupdate', 'compositionend']) element.addEventListener(type, this.heard)
  }

  /** One that rests is ended, with what it has written up to then, so that nobody waits for it for ever. */
  holds(): boolean {
    const since = performance.now() - this.last
    if (!this.open) return since < READ_WITHIN
    if (since < AT_REST) return true
    const focused = document.activeElement
    if (focused instanceof HTMLElement && this.element.contains(focused)) {
      focused.blur()
      focused.focus()
    }
    if (this.open) this.heard(new Event('compositionend'))
    return true
  }

  destroy(): void {
    for (const type of ['compositionstart', 'compositionupdate', 'compositionend']) this.element.removeEventListener(type, this.heard)
    this.open = false
    this.last = -Infinity
  }

  private heard = ({ type }: Event) => {
    this.open = type !== 'compositionend'
    this.last = performance.now()
  }
}
