/** As many screens above and below what is on the screen are near it. */
const SCREENS = 1

/** Knows which of some elements are on the screen or near it, and tells when that changes. */
export class Nearby {
  /** Whether this browser can know. */
  static readonly isKnown = 'IntersectionObserver' in globalThis

  private readonly near = new Set<Element>()
  private watched = new Set<Element>()
  private readonly observer: IntersectionObserver | null

  /** `told`: is given those that are near. */
  constructor(private readonly told: (near: ReadonlySet<Element>) => void) {
    const seen = (entries: IntersectionObserverEntry[]) => {
      for (const { target, isIntersecting } of entries) this.near[isIntersecting && this.watched.has(target) ? 'add' : 'delete'](target)
      this.tell()
    }
    this.observer = Nearby.isKnown ? new IntersectionObserver(seen, { rootMargin: `${SCREENS * 100}% 0%` }) : null
  }

  /** These, and no others. */
  watch(elements: Iterable<Element>): void {
    const now = new Set(elements)
    for (const element of this.watched) {
      if (now.has(element)) continue
      this.observer?.unobserve(element)
      this.near.delete(element)
    }
    for (const element of now) if (!this.watched.has(element)) this.observer?.observe(element)
    this.watched = now
  }

  tell(): void {
    if (this.observer) this.told(this.near)
  }

  destroy(): void {
    this.observer?.disconnect()
  }
}
