/** What happened, as the slider has it. */
import type { Past } from '../history/past'
import type { Beat } from './scale'
import type { Sitting } from './server'

export const beatsOfPast = ({ weave }: Pick<Past, 'weave'>): Beat[] =>
  weave.steps.map(({ first, last, time, user }) => ({ seq: last, time, user, weight: last - first + 1 }))

/** What a sitting looks like before its entries are here: everybody's share, spread over its time. */
export function beatsOfSitting({ first, last, began, ended, people }: Sitting): Beat[] {
  const beats: Beat[] = []
  const many = Math.max(1, Math.min(12, last - first + 1))
  for (let at = 0; at < many; at += 1) {
    const part = many > 1 ? at / (many - 1) : 0
    for (const [user, inserted, deleted] of people)
      beats.push({ seq: Math.round(first + part * (last - first)), time: began + part * (ended - began), user, weight: (inserted + deleted) / many })
  }
  return beats
}
