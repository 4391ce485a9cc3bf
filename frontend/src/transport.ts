/** How this tab reaches the server: over a WebSocket, or by asking again and again where something on the way does not let one through. */
import { inTab, onDevice } from './storage'

export type Transport = 'websocket' | 'polling'

const BOTH: readonly Transport[] = ['websocket', 'polling']

/** For so long a tab that only got through by polling does not try anything else. In milliseconds. */
const POLL_FOR = 10 * 60_000
const POLL_UNTIL = 'polling-until'

/** Which transports may be used. `localStorage.transport` or `?transport=` name one of them alone, to try what a blocked network does. */
export function transports(): readonly Transport[] {
  const asked = typeof location === 'undefined' ? '' : location.search
  const named = new URLSearchParams(asked).get('transport') ?? onDevice.read('transport')
  const only = BOTH.filter((transport) => transport === named)
  return only.length ? only : BOTH
}

/** Those of `allowed` that are worth a try now, in order. */
export function worthTrying(allowed: readonly Transport[]): Transport[] {
  const polls = Date.now() < Number(inTab.read(POLL_UNTIL))
  return allowed.filter((transport) => transport === 'polling' || allowed.length === 1 || !polls)
}

/** Polling got through where a WebSocket had not. */
export function rememberPolling(): void {
  inTab.write(POLL_UNTIL, String(Date.now() + POLL_FOR))
}
