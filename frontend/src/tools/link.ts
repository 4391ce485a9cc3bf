import { LONGEST } from '../bounds'

/** What a person typed as the address of a link, made whole; null: not an address that a note may link to. */
export function linkTo(typed: string): string | null {
  const text = typed.trim().toWellFormed()
  if (!text || /\s/.test(text)) return null
  if (/^[^@/:]+@[^@/:]+\.[^@/:]+$/.test(text)) return `mailto:${text}`
  const whole = /^[a-z][a-z0-9+.-]*:(?!\d+(?:\/|$))/i.test(text) ? text : `https://${text}`
  if (!/^(https?:\/\/[^/]|mailto:.|tel:.)/i.test(whole)) return null
  return whole.length <= LONGEST && URL.canParse(whole) ? whole : null
}
