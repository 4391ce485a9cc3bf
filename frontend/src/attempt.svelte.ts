import { tick } from 'svelte'
import { ApiError } from './api'
import { messageOf } from './problems'

/** Something that a person asks the server for with a form or a button: one at a time, and what went wrong in words. */
export class Attempt {
  busy = $state(false)
  error = $state.raw<ApiError | null>(null)

  /** `fields`: the names of the fields that say themselves what is wrong with them. */
  constructor(private readonly fields: readonly string[] = []) {}

  /** What is wrong with a field; '' for nothing. */
  beside(field: string): string {
    return this.error?.errors[field]?.join(' ') ?? ''
  }

  /** What went wrong and stands beside no field. */
  get words(): string {
    return this.error && !this.fields.some((field) => this.beside(field)) ? messageOf(this.error) : ''
  }

  /** True: it is done. A second call while the first is on its way does nothing. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false
    this.busy = true
    this.error = null
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.error = error
      return false
    } finally {
      this.busy = false
    }
  }

  /** For a form: run, and on a mistake go to the field that has it. */
  submit = (work: () => Promise<unknown>) => async (event: SubmitEvent & { currentTarget: HTMLFormElement }): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget
    if (await this.run(work)) return
    await tick()
    form.querySelector<HTMLElement>('[aria-invalid]')?.focus()
  }
}
