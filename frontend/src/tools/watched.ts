import type { Editor } from '@tiptap/core'
import { createSubscriber } from 'svelte/reactivity'

/**
 * An editor that a component may read: what was computed from `editor` is computed again after something changed in it, at most
 * once in a frame, so that typing does not wait for the tools.
 */
export class Watched {
  #subscribe: () => void

  constructor(private readonly instance: Editor) {
    this.#subscribe = createSubscriber((update) => {
      let frame = 0
      const changed = () => {
        frame ||= requestAnimationFrame(() => {
          frame = 0
          update()
        })
      }
      instance.on('transaction', changed).on('focus', changed).on('blur', changed)
      return () => {
        cancelAnimationFrame(frame)
        instance.off('transaction', changed).off('focus', changed).off('blur', changed)
      }
    })
  }

  get editor(): Editor {
    this.#subscribe()
    return this.instance
  }

  /** The focus is in the text, or in something that floats above it. */
  get here(): boolean {
    return this.editor.isFocused || document.activeElement?.closest('.pop') != null
  }
}
