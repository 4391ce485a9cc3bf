import type * as Y from 'yjs'
import { encode } from './messages'
import type { Problem } from './link'
import { merge, type Edit, type Outbox } from './outbox'
import { split } from './split'

/** The server takes 60 updates a second: never more than 50. */
const PACE = 20

export interface SenderEvents {
  /** Sends one message; the ack. Rejects when the connection is lost. */
  ask(message: Uint8Array): Promise<unknown>
  /** `seq`: the newest entry that holds them; null: the server has had them for longer. */
  acknowledged(edits: readonly Edit[], seq: number | null): void
  refused(problem: Problem): void
  /** No answer came: the connection is of no use. */
  lost(): void
}

/** Sends what is in the outbox: the first at once, one message at a time, together what was made meanwhile. */
export class Sender {
  /** Changes whenever an answer that is still awaited must not count any more. */
  private turn = 0
  private going = false
  private sending = false

  constructor(private readonly doc: Y.Doc, private readonly outbox: Outbox, private readonly events: SenderEvents) {}

  /** The server has said what it has. `first`: what it lacks of everything that is in the outbox now; null: nothing. */
  start(first: Uint8Array | null): void {
    this.turn += 1
    this.going = true
    const edits = [...this.outbox.all]
    if (first) void this.send(edits, split(first, this.doc), 'step2')
    else {
      this.sending = false
      if (edits.length) this.events.acknowledged(edits, null)
      this.more()
    }
  }

  stop(): void {
    this.turn += 1
    this.going = false
    this.sending = false
  }

  /** Something was put into the outbox. */
  more(): void {
    if (!this.going || this.sending || !this.outbox.length) return
    const edits = [...this.outbox.all]
    void this.send(edits, split(merge(edits.map(({ update }) => update)), this.doc), 'update')
  }

  private async send(edits: readonly Edit[], pieces: Uint8Array[], kind: 'step2' | 'update'): Promise<void> {
    const { turn } = this
    this.sending = true
    for (const payload of pieces) {
      const begun = performance.now()
      const answer = await this.deliver(encode({ kind, payload }), turn)
      if (turn !== this.turn) return
      const problem = problemOf(answer)
      if (problem) {
        this.stop()
        return this.events.refused(problem)
      }
      if (payload === pieces.at(-1)) this.events.acknowledged(edits, seqOf(answer))
      await pause(PACE - (performance.now() - begun))
      if (turn !== this.turn) return
    }
    this.sending = false
    this.more()
  }

  /** Until it is acknowledged, or refused for another reason than haste: that answer. */
  private async deliver(message: Uint8Array, turn: number): Promise<unknown> {
    for (;;) {
      let answer: unknown
      try {
        answer = await this.events.ask(message)
      } catch {
        // Why does not matter: it is sent again after the next join.
        if (turn === this.turn) this.events.lost()
        return null
      }
      const problem = problemOf(answer)
      if (problem?.error !== 'rate' || turn !== this.turn) return answer
      await pause((problem.retry_after ?? 1) * 1000)
    }
  }
}

/** An ack that is an error. */
export function problemOf(answer: unknown): Problem | null {
  return answer && typeof answer === 'object' && 'error' in answer ? (answer as Problem) : null
}

/** The entry that an ack names. */
function seqOf(answer: unknown): number | null {
  return answer && typeof answer === 'object' && 'seq' in answer && typeof answer.seq === 'number' ? answer.seq : null
}

const pause = (milliseconds: number) =>
  milliseconds > 0 ? new Promise<void>((resolve) => setTimeout(resolve, milliseconds)) : Promise.resolve()
