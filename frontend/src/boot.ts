import type { Boot } from './api'
import { onDevice } from './storage'

const KEPT = 'palimpsest.boot'

/** What the server wrote into this page; null in the shell that the service worker keeps for times without a network. */
export function readBoot(): Boot | null {
  const text = document.querySelector<HTMLMetaElement>('meta[name="palimpsest"]')?.content
  return text ? (JSON.parse(text) as Boot) : null
}

/** Remember who is here, so that their notes on this device can be opened without a network. */
export function keepBoot(boot: Boot): void {
  const { document: _, ...rest } = boot
  onDevice.write(KEPT, JSON.stringify({ ...rest, csrf: '' }))
}

/** Who was here when there was a network. */
export function keptBoot(): Boot {
  const kept = onDevice.read(KEPT)
  if (kept) return JSON.parse(kept) as Boot
  return { user: null, csrf: '', schema: 1, first: false, settings: { guests: false, signups: false, retention: null } }
}

export function forgetBoot(): void {
  onDevice.forget(KEPT)
}
