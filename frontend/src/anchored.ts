import { autoUpdate, computePosition, flip, offset, shift, type Placement, type ReferenceElement } from '@floating-ui/dom'
import type { Attachment } from 'svelte/attachments'

interface Options {
  placement?: Placement
  /** Pixels between the two. */
  gap?: number
  /** Over the upper edge of the reference, instead of beside it. */
  inside?: boolean
}

/**
 * Keeps a floating element beside what `reference` gives, inside the window. Positions go through CSSOM, as the policy asks;
 * what the style docks (position: fixed) stays where the style puts it.
 */
export function anchored(
  reference: () => ReferenceElement | null,
  { placement = 'bottom-start', gap = 6, inside = false }: Options = {},
): Attachment<HTMLElement> {
  return (element) => {
    document.body.append(element)
    const anchor = reference()
    if (!anchor) return
    const middleware = inside
      ? [offset(({ rects }) => -rects.floating.height)]
      : [offset(gap), flip({ padding: 8 }), shift({ padding: 8 })]
    return autoUpdate(anchor, element, async () => {
      if (getComputedStyle(element).position === 'fixed') return element.removeAttribute('style')
      const { x, y } = await computePosition(anchor, element, { placement, middleware })
      element.style.setProperty('left', `${x}px`)
      element.style.setProperty('top', `${y}px`)
    })
  }
}
