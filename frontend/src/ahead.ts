/** The note as the server has it, asked for while the script that shows it is still on its way. Only where this device has no copy of it. */
import { noteState, type Boot, type State } from './api'
import { openDatabase } from './database'
import { isRemembered } from './kept'
import { SCHEMA_VERSION } from './version'

class Ahead {
  #coming: Promise<State | null> | null = null

  ask({ user, schema, document }: Boot): void {
    const userId = user?.id ?? null
    // What an older page cannot show, it must not open.
    if (!document || document.deleted || schema !== SCHEMA_VERSION || isRemembered(userId, document.id)) return
    // If it does not come this way, the connection brings it, or says why not.
    this.#coming = noteState(document.id).catch(() => null)
    // A browser that was never here takes its time to make a database. Who opens it next says what it means if it cannot.
    openDatabase(userId).then((database) => database.close(), () => undefined)
  }

  /** For the first who opens the note; null: there is nothing to wait for. */
  take(): Promise<State | null> | null {
    const coming = this.#coming
    this.#coming = null
    return coming
  }
}

export const ahead = new Ahead()
