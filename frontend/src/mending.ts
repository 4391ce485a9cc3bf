/** What is damaged on the server may be whole in a copy of the note, which then tells what it was (docs/http.md). */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { ApiError, repair } from './api'
import type { Problem } from './link'
import { NOTHING, merge, type Edit } from './outbox'

/** Offers the copy that is here. */
export class Mending {
  /** A copy is on its way: it is not known yet whether there is any trouble. */
  busy = false
  /** For this answer of the server it was offered. */
  private asked: Problem | null = null
  /** The damage for which the server did not take it. */
  private refused = ''

  constructor(private readonly documentId: string, private readonly doc: Y.Doc) {}

  /** Can it tell what is damaged? `seq`: the newest entry that is in it. */
  can(problem: Problem, seq: number): boolean {
    return problem !== this.asked && nameOf(problem) !== this.refused && !!problem.has && seq >= (problem.last ?? Infinity)
  }

  /** `edits`: what of it the server never had. True: the note is whole again. */
  async offer(problem: Problem, seq: number, edits: readonly Edit[]): Promise<boolean> {
    this.asked = problem
    this.busy = true
    try {
      await repair(this.documentId, seq, copyOf(this.doc, new Uint8Array(problem.has ?? []), edits))
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // Without an answer it is offered again after the next join.
      if (!error.offline) this.refused = nameOf(problem)
      return false
    } finally {
      this.busy = false
    }
  }
}

const nameOf = ({ first, last }: Problem) => `${first} to ${last}`

/** What the doc holds beyond a state vector, and what of that was never acknowledged: each with its length before it. */
export function copyOf(doc: Y.Doc, has: Uint8Array, edits: readonly Edit[]): Uint8Array<ArrayBuffer> {
  return encoding.encode((encoder) => {
    encoding.writeVarUint8Array(encoder, Y.encodeStateAsUpdate(doc, has))
    encoding.writeVarUint8Array(encoder, edits.length ? merge(edits.map(({ update }) => update)) : NOTHING)
  })
}
