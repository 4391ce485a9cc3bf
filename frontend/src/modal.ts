import { away } from './away'

const FOCUSABLE = 'a[href], button, input, select, textarea, [tabindex]:not([tabindex="-1"])'

/**
 * Puts a dialog above the page: everything in #app is out of reach until it closes, then the focus returns to where it was.
 * The first field gets the focus, or what carries `data-focus`, or else the dialog itself.
 */
export function modal(scrim: HTMLElement): () => void {
  const page = document.getElementById('app')
  const before = document.activeElement
  const back = away(scrim, document.body)
  page?.setAttribute('inert', '')
  const first = scrim.querySelector<HTMLElement>('[data-focus]') ?? scrim.querySelector<HTMLElement>('input:not([readonly])')
  ;(first ?? scrim.querySelector<HTMLElement>('[role="dialog"]'))?.focus()
  if (first instanceof HTMLInputElement && first.type !== 'checkbox') first.select()

  // Tab goes round inside: past the last control lies the first, not the browser's own bars.
  const keydown = (event: KeyboardEvent) => {
    if (event.key !== 'Tab') return
    const reachable = [...scrim.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((element) => element.offsetParent !== null)
    const [head, tail] = [reachable[0], reachable.at(-1)]
    if (!head || !tail) return
    const from = document.activeElement
    if (event.shiftKey ? from === head || !reachable.includes(from as HTMLElement) : from === tail) {
      event.preventDefault()
      ;(event.shiftKey ? tail : head).focus()
    }
  }
  scrim.addEventListener('keydown', keydown)
  return () => {
    back()
    page?.removeAttribute('inert')
    if (before instanceof HTMLElement && before.isConnected) before.focus()
  }
}
