import type { IconName } from './icons'

/** A row of a menu. `on`: it is one of several choices, and this tells whether it is the chosen one. */
export interface MenuItem { words: string; icon: IconName; run: () => void; hint?: string; on?: boolean }

/** These rows, if the condition holds. */
export function only(condition: boolean, ...items: MenuItem[]): MenuItem[] {
  return condition ? items : []
}
