/**
 * Where the page was when it was loaded again: the browser goes back there before the rest of a long note has come, and gets no further
 * than what is there.
 */
import { inTab } from './storage'

const KEY = 'palimpsest.scrolled'
const MOVES = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const

interface Kept { path: string; y: number }

let moved = false
for (const type of MOVES) addEventListener(type, () => (moved = true), { once: true, capture: true, passive: true })
addEventListener('pagehide', () => void inTab.write(KEY, JSON.stringify({ path: location.pathname, y: scrollY } satisfies Kept)))

/** The whole note is there. Whoever has begun to move about stays where they are. */
export function scrollBack(): void {
  const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  const kept = JSON.parse(inTab.read(KEY) ?? 'null') as Kept | null
  if (moved || kept?.path !== location.pathname || !['reload', 'back_forward'].includes(visit?.type ?? '')) return
  if (scrollY < kept.y) scrollTo(0, kept.y)
}
