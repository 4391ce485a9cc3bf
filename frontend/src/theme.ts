export type Theme = 'light' | 'dark' | ''

/** The choice of this browser; '' follows the system. The server writes it into the page, so that nothing flashes. */
export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme
  return chosen === 'light' || chosen === 'dark' ? chosen : ''
}

export function setTheme(chosen: Theme): void {
  document.documentElement.dataset.theme = chosen
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  document.cookie = `theme=${chosen}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
}
