/** Which parts of a note were touched, by their headings. */
import { plainOf } from './plain'
import { below, type Strand } from './strand'
import { Moment } from './views'
import type { Weave } from './weave'

/** So many are named; of more, their number. */
const NAMED = 3

/** "Opening, Before the freeze": the headings under which the groups from `first` up to `last` changed something; '' when there are none. */
export function placesOf(weave: Weave, first: number, last: number): string {
  const view = new Moment(last + 1)
  const isWithin = (group: number) => first <= group && group <= last
  const isTouched = (block: Strand) => {
    const touched = weave.touching(block)
    return below(touched, last + 1) > below(touched, first)
  }
  const names = new Set<string>()
  if (isTouched(weave.title)) names.add('Title')
  let heading = ''
  for (const [block, piece] of weave.blocks()) {
    if (block.name === 'heading' && view.has(weave.body, piece)) heading = plainOf(block, view).trim() || heading
    const { inserted, deleted } = weave.body
    if (isWithin(inserted[piece] as number) || isWithin(deleted[piece] as number) || isTouched(block)) names.add(heading || 'Opening')
  }
  // Where nothing has a name, there is no opening of anything.
  if (!heading) names.delete('Opening')
  const list = [...names]
  return list.length > NAMED + 1 ? `${list.slice(0, NAMED).join(', ')} and ${list.length - NAMED} more` : list.join(', ')
}
