import { autoUpdate, computePosition, flip, hide, offset, shift, type Placement, type ReferenceElement } from '@floating-ui/dom'
import { untrack } from 'svelte'
import type { Attachment } from 'svelte/attachments'
import { away } from './away'

interface Options {
  placement?: Placement
  /** Pixels between the two. */
  gap?: number
  /** What it stands beside may be scrolled out of sight: then it is not seen either. */
  hides?: boolean
}

/**
 * Keeps a floating element beside what `reference` gives, inside the window. Positions go through CSSOM, as the policy asks;
 * what the style docks (position: fixed) stays where the style puts it.
 */
export function anchored(
  reference: () => ReferenceElement | null,
  { placement = 'bottom-start', gap = 6, hides = false }: Options = {},
): Attachment<HTMLElement> {
  return (element) => {
    const back = away(element, document.querySelector('main:not([hidden])') ?? document.body)
    // Placed once: that the text has changed is no reason to take it away and put it back, with the focus lost.
    const anchor = untrack(reference)
    if (!anchor) return back
    const middleware = [offset(gap), flip({ padding: 8 }), shift({ padding: 8 }), ...(hides ? [hide()] : [])]
    const stop = autoUpdate(anchor, element, async () => {
      if (getComputedStyle(element).position === 'fixed') return element.removeAttribute('style')
      const { x, y, middlewareData } = await computePosition(anchor, element, { placement, middleware })
      element.style.setProperty('left', `${x}px`)
      element.style.setProperty('top', `${y}px`)
      if (hides) element.style.setProperty('visibility', middlewareData.hide?.referenceHidden ? 'hidden' : 'visible')
    })
    return () => {
      stop()
      back()
    }
  }
}
