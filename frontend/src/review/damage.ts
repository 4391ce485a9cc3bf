/** Entries of the log that are damaged on the server: what that means for what is looked at, and how it is said. */
import type { View } from './address'
import type { Damage, History } from './server'

const number = new Intl.NumberFormat('en-GB')

const entries = ({ first, last }: Damage) => (first === last ? `Entry ${number.format(first)} is` : `Entries ${number.format(first)} to ${number.format(last)} are`)

/** Entries 5 to 7 are damaged and cannot be shown */
export const cannotBeShown = (damage: Damage) => `${entries(damage)} damaged and cannot be shown`

/** What became of what was written in them. */
export function whatBecame(damage: Damage, nameOf: (user: number) => string): string {
  const them = damage.first === damage.last ? 'it' : 'they'
  if (damage.known === null) return `${cannotBeShown(damage)}, and neither can what came after.`
  const left = damage.user === null ? `What ${them} left in the note is there` : `What ${them} left in the note is from a copy that ${nameOf(damage.user)} had`
  return `${cannotBeShown(damage)}. ${left}; who wrote it, and when, is not known.`
}

/** Damaged entries of which something may be missing in what is looked at: what was in the note for a while only, before it is known again what was in it. */
export function mayLack(view: View, { known, last }: Damage): boolean {
  if (known === null) return false
  return (view.kind === 'moment' ? [view.at] : [view.from, view.to ?? Infinity]).some((seq) => last <= seq && seq < known)
}

/** Where a moment is shown that lies among damaged entries: after them or, when nothing is known of that, before them. */
function beside(seq: number, { first, last, known }: Damage): number {
  if (known === null) return seq >= first ? first - 1 : seq
  return first <= seq && seq < last ? last : seq
}

/** What is asked for, or what can be shown of it, and the damage that is in the way; null: none is. */
export function aroundDamage(view: View, { damaged }: Pick<History, 'damaged'>): { view: View; damage: Damage | null } {
  let stopped: Damage | null = null
  const step = (seq: number) =>
    damaged.reduceRight((at, damage) => {
      const next = beside(at, damage)
      if (next !== at) stopped = damage
      return next
    }, seq)
  if (view.kind === 'moment') return { view: { ...view, at: step(view.at) }, damage: stopped }
  const [from, to] = [step(view.from), view.to === null ? null : step(view.to)]
  return { view: to === null || from < to ? { ...view, from, to } : { kind: 'moment', at: to }, damage: stopped }
}
