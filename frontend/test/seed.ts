/** Random tests say their seed; SEED=... runs the same again. */
export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Numbers from 0 to below `end`, the same for the same seed (mulberry32). */
export function dice(start = seed): (end: number) => number {
  let state = start >>> 0
  return (end) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * end)
  }
}

/** What is random in the libraries; a test may put a roll of its own here. */
export const chances = { roll: dice() }
