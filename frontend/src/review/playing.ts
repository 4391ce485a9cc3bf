/** Playing the past: the gaps between entries as they were, only faster, and with the pauses left out. */

export const SPEEDS = [1, 4, 16] as const
export type Speed = (typeof SPEEDS)[number]

/** Whoever paused longer than these milliseconds is waited for no longer. */
const PAUSE = 800

export interface Steps {
  readonly head: number
  next(seq: number): number
  when(seq: number): number
}

/** Play on from `at` for so many milliseconds. `left`: of them, what was not enough for the next step. */
export function playOn(steps: Steps, at: number, milliseconds: number, speed: Speed): { at: number; left: number } {
  let left = milliseconds
  while (at < steps.head) {
    const next = steps.next(at)
    const gap = Math.min(PAUSE, Math.max(0, steps.when(next) - steps.when(at))) / speed
    if (gap > left) break
    left -= gap
    at = next
  }
  return { at, left }
}
