/**
 * Takes an element out of its place in the page, to `there`, so that no clipping and no stacking of its surroundings reaches it.
 * It must be the only child of an element that stays: what Svelte removes later is that element, and this takes the child with it.
 */
export function away(element: HTMLElement, there: Element): () => void {
  there.append(element)
  return () => element.remove()
}
