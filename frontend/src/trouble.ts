/** Why the note cannot be worked with as usual, in sentences: what happened, what became of the text, what to do. */
import type { Problem } from './link'

export interface Trouble {
  kind: 'not-found' | 'deleted' | 'sign-in' | 'schema' | 'epoch' | 'denied' | 'read-only' | 'malformed' | 'refused' | 'aside' | 'unshowable' | 'origin' | 'full' | 'damaged'
  words: string
  /** copy: note.copyText(); retry: note.retry(); afresh: note.afresh(); aside: copy note.setAside, then note.forgetSetAside(); the others are pages. */
  actions: ('copy' | 'retry' | 'afresh' | 'aside' | 'sign-in' | 'reload' | 'home')[]
  /** Nothing of the note can be shown or edited until something is done. */
  closed: boolean
}

/** How it stands with the text when the trouble comes. */
export interface Standing {
  /** There is a text to look at. */
  shown: boolean
  /** Edits that are not acknowledged, and whether all of them are on the device. */
  edits: number
  kept: boolean
}

const waitingEdits = ({ edits, kept }: Standing): string => {
  if (!edits) return ''
  return kept ? ' Your last edits are kept on this device and will be sent.' : ' Your last edits are only in this tab: copy them first.'
}

function whatIsDamaged({ first, last }: Problem): string {
  if (first === undefined) return 'Something of this note is'
  return first === last ? `Entry ${first} of this note is` : `Entries ${first} to ${last} of this note are`
}

/** The server put us out, or did not let us in. */
export function troubleOf(problem: Problem, standing: Standing): Trouble {
  const { error, message } = problem
  const { shown } = standing
  const copy = shown ? (['copy'] as const) : []
  const closed = !shown
  switch (error) {
    case 'not-found':
      return shown
        ? { kind: 'not-found', words: 'This note is not there for you any more. What you see is the last that came here.', actions: ['copy', 'home'], closed }
        : { kind: 'not-found', words: 'It may have been deleted, or its link does not work any more.', actions: ['home'], closed }
    case 'sign-in':
      return shown
        ? { kind: 'sign-in', words: `You are not signed in any more.${waitingEdits(standing)}`, actions: ['copy', 'sign-in'], closed }
        : { kind: 'sign-in', words: 'Sign in to see whether this note is shared with you.', actions: ['sign-in'], closed }
    case 'full':
      return { kind: 'full', words: `As many people as may have this note open. Try again later.${waitingEdits(standing)}`, actions: [...copy, 'retry', 'home'], closed }
    case 'schema':
      return { kind: 'schema', words: `Load the page again to go on with this note.${waitingEdits(standing)}`, actions: [...copy, 'reload'], closed }
    case 'denied':
      return { kind: 'denied', words: 'You may not open this note any more.', actions: [...copy, 'retry', 'home'], closed }
    case 'origin':
      // The page itself came: its text stays in view.
      return {
        kind: 'origin',
        words: `Ask who runs the server to add ${location.origin} to PALIMPSEST_ORIGINS: until then it takes no edits from here.${waitingEdits(standing)}`,
        actions: [...copy, 'retry', 'home'],
        closed: false,
      }
    case 'damaged':
      return {
        kind: 'damaged',
        words:
          `${whatIsDamaged(problem)} damaged in the server's database. ${shown ? 'What you see is the copy on this device.' : 'What you see is the note as it was before that.'} Nobody can change it until it is repaired: ` +
          `as soon as its owner, or whoever wrote what is damaged, opens it where they have a copy.${waitingEdits(standing)}`,
        actions: [...copy, 'retry', 'home'],
        closed: false,
      }
    default:
      return { kind: 'malformed', words: `This page and the server did not understand each other: ${message}.${waitingEdits(standing)}`, actions: [...copy, 'reload'], closed }
  }
}

/** The page of a note in the bin, which only its owner sees, offers to restore it: that is what "Load again" shows them. */
export const deleted = (shown: boolean, mine: boolean): Trouble => ({
  kind: 'deleted',
  words: mine
    ? 'It was deleted while it was open here. Load it again to bring it back from the bin.'
    : 'It was deleted while it was open here. Whoever owns it can bring it back from the bin.',
  actions: [...(shown ? (['copy'] as const) : []), ...(mine ? (['reload'] as const) : shown ? (['retry'] as const) : []), 'home'],
  closed: !shown,
})

/** Another history than that of the copy here: something was erased, or a backup was restored. `aside`: the copy is on the device, apart from the note. */
export const rewritten = (aside: boolean, erased: boolean): Trouble => ({
  kind: 'epoch',
  words:
    (erased ? 'What you see belongs to an earlier history of this note' : 'The server went back to an older copy of this note. What you see may be newer') +
    (aside
      ? '. It is kept apart on this device; load the page again to see the note as it is now.'
      : ', and this device could not keep it. Copy it before you load the page again.'),
  actions: ['copy', 'reload'],
  closed: false,
})

/** The server never takes one of the edits, and with it none that came after. `mayWrite`: others it would take. `aside`: the device can keep a copy. */
export const refused = (mayWrite: boolean, aside: boolean): Trouble => ({
  kind: mayWrite ? 'refused' : 'read-only',
  words:
    (mayWrite ? 'The server does not take one of your edits, and what you write here now is not saved.' : 'Your last edits came too late and are not saved.') +
    (aside ? ' Go on with the note as it is on the server: your copy stays on this device, to be copied.' : ' They are only in this tab: copy your text, then load the page again.'),
  actions: [aside ? 'afresh' : 'reload'],
  closed: false,
})

export const asideIsHere: Trouble = {
  kind: 'aside',
  words: 'A copy of this note, with text that could not be merged into it, is kept apart on this device.',
  actions: ['aside'],
  closed: false,
}

/** The doc holds what the editor has no shape for. */
export const unshowable: Trouble = {
  kind: 'unshowable',
  words: 'Something in it is not made of what a note is made of. All of its text is safe: you can read and copy it here, but not edit it.',
  actions: ['copy', 'home'],
  closed: false,
}

const reasons: Record<string, string> = {
  'too-large': 'one edit is too large for the server',
  quota: 'this note is full, go on in another one',
  full: 'as many people as may have this note open',
  storage: 'the server could not store it, trying again',
  malformed: 'the server did not understand an edit',
  // Whoever may only read now, or whose edit was made by somebody else on this device.
  denied: 'you may not make this change now',
  'not-found': 'this note is not there for you any more',
  'sign-in': 'you are not signed in any more',
  schema: 'this page is older than the server',
  epoch: 'the history of this note was rewritten',
  origin: 'the server does not accept the address of this page',
  damaged: 'a part of this note is damaged on the server',
}

/** Why edits are not taken, to follow "Not saved: ". */
export const reasonOf = ({ error, message }: Problem): string => reasons[error] ?? message
