import type { Log } from './log.svelte'

/** Whose changes are marked. Like the chips: all of them are on at first, and the first choice leaves that one alone. */
export class Filter {
  /** Those whose changes are not wanted. */
  private hidden = $state.raw<ReadonlySet<number | null>>(new Set())

  /** Only the changes of these are marked; null: everybody's. */
  readonly people: ReadonlySet<number | null> | null = $derived.by(() => {
    if (!this.hidden.size) return null
    return new Set([...this.everybody, null].filter((id) => !this.hidden.has(id)))
  })

  constructor(private readonly log: Log) {}

  has(user: number): boolean {
    return !this.hidden.has(user)
  }

  toggle(user: number): void {
    const hidden = new Set(this.hidden)
    if (!hidden.size) for (const id of this.everybody) id !== user && hidden.add(id)
    else if (hidden.has(user)) hidden.delete(user)
    else hidden.add(user)
    this.hidden = this.everybody.every((id) => hidden.has(id)) ? new Set() : hidden
  }

  private get everybody(): number[] {
    return this.log.history?.people.map(({ id }) => id) ?? []
  }
}
