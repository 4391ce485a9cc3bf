import { now } from './time.mjs'

const UNEVEN = 0.4 // share by which the time between two edits varies

/** Let each of `who` do something so often a second, for so many seconds, whether the server keeps up or not. `late(ms)`: how late it was. */
export const steadily = async (who, rate, seconds, random, act, late = () => {}) => {
  const gap = 1000 / rate
  const began = now()
  const end = began + seconds * 1000
  const due = who.map(() => began + gap * random())
  const heap = who.map((_, place) => place).sort((one, other) => due[one] - due[other]) // the next one first
  const sink = () => {
    for (let place = 0, least = 0; ; place = least) {
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < heap.length && due[heap[child]] < due[heap[least]]) least = child
      if (least === place) return;
      [heap[place], heap[least]] = [heap[least], heap[place]]
    }
  }
  await new Promise((resolve) => {
    const step = () => {
      const time = now()
      if (time >= end) return resolve()
      for (let count = 0; count < 200 && due[heap[0]] <= time; count++) { // then what has come is read
        const next = heap[0]
        late(time - due[next])
        act(who[next])
        due[next] += gap * (1 - UNEVEN / 2 + UNEVEN * random())
        sink()
      }
      const wait = due[heap[0]] - now()
      if (wait < 0.3) setImmediate(step)
      else setTimeout(step, Math.max(1, Math.floor(wait)))
    }
    step()
  })
}
