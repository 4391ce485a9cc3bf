import { LOST } from '../history/lost'
import { initial } from '../people'
import type { Known } from './people'
import { brief } from './when'

/** They scroll sideways, and would take along or cut off what hangs beside them. */
const BOXES = 'pre, .tableWrapper, table'

/** Write beside the blocks who was the last to write in them, and when; what is the same as above is not said again. */
export function gutter(body: HTMLElement, person: (user: number | null) => Known, now: number): void {
  let above = ''
  for (const block of [...body.children] as HTMLElement[]) {
    const { user, time } = block.dataset
    if (!user || !time) continue
    const who = person(user === 'null' ? null : Number(user))
    const when = Number(user) === LOST ? 'damaged' : brief(Number(time), now).replace(/^Today/, 'today')
    if (`${user} ${when}` === above) continue
    above = `${user} ${when}`
    const label = document.createElement('span')
    label.className = 'by-when'
    const face = document.createElement('span')
    face.className = `face face-s${who.slot ? '' : ' face-plain'}`
    if (who.slot) face.dataset.author = String(who.slot)
    face.dataset.initial = initial(who.name)
    face.title = who.name
    const name = document.createElement('span')
    name.className = 'sr'
    name.textContent = who.name
    label.append(when, face, name)
    if (block.matches(BOXES)) {
      const box = document.createElement('div')
      box.className = 'chg'
      block.replaceWith(box)
      box.append(label, block)
    } else {
      block.classList.add('chg')
      // Nothing but items may stand in a list.
      ;(block.matches('ul, ol') ? (block.querySelector('li > div') ?? block.querySelector('li') ?? block) : block).prepend(label)
    }
  }
}
