/**
 * What nobody needs before the first keystroke is in chunks of its own. They are fetched when the page has nothing else to do, so that
 * they are there at once, and without a network, when they are asked for.
 */
type Load = () => Promise<unknown>

const waiting: Load[] = []
let isTime = false

/** Gives back `load`, which also waits for a quiet moment from now on. */
export function later<L extends Load>(load: L): L {
  waiting.push(load)
  if (isTime) whenQuiet()
  return load
}

/** The page stands, and can be worked with. */
export function fetchLater(): void {
  if (isTime) return
  isTime = true
  whenQuiet()
}

function whenQuiet(): void {
  // Safari has no idle callbacks.
  if ('requestIdleCallback' in globalThis) requestIdleCallback(() => void next(), { timeout: 5000 })
  else setTimeout(() => void next(), 200)
}

async function next(): Promise<void> {
  // Without a network it does not come now; whoever asks for it then is told.
  await waiting.shift()?.().catch(() => undefined)
  if (waiting.length) whenQuiet()
}
