import type { Boot } from './api'

const KEPT = 'palimpsest.boot'

/** What the server wrote into this page; null in the shell that the service worker keeps for times without a network. */
export function readBoot(): Boot | null {
  const text = document.querySelector<HTMLMetaElement>('meta[name="palimpsest"]')?.content
  return text ? (JSON.parse(text) as Boot) : null
}

/** Remember who is here, so that their notes on this device can be opened without a network. */
export function keepBoot(boot: Boot): void {
  const { document: _, ...rest } = boot
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...rest, csrf: '' }))
  } catch {
    // Without storage there are no notes on this device either.
  }
}

/** Who was here when there was a network. */
export function keptBoot(): Boot {
  let kept: string | null = null
  try {
    kept = localStorage.getItem(KEPT)
  } catch {
    // As above: nobody is remembered.
  }
  if (kept) return JSON.parse(kept) as Boot
  return { user: null, csrf: '', schema: 1, first: false, settings: { guests: false, signups: false, retention: null } }
}

export function forgetBoot(): void {
  try {
    localStorage.removeItem(KEPT)
  } catch {
    // Nothing was kept.
  }
}
