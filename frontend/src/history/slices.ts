/** Long work in slices, so that the page stays alive in between. */

/** A macrotask later: what waits, like keys and frames, has had its turn. (A timeout of 0 would be one of 4 ms.) */
export const breath = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })

/** How long a slice may take, in ms; what closes it comes on top. */
const SLICE = 12

/** Whether the slice that began when this was made is over. */
export class Slice {
  private readonly end = performance.now() + SLICE

  get over(): boolean {
    return performance.now() >= this.end
  }
}
