/** Puts `text` on the clipboard, also where the page is not served over https and the modern way is closed. */
export async function copy(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  area.className = 'sr'
  const before = document.activeElement
  // Inside an open dialog, because the page behind it takes no focus.
  ;(before?.closest('[role="dialog"]') ?? document.body).append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  if (!done) throw new Error('the browser did not let the page write to the clipboard')
}
