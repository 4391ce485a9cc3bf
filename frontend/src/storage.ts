/** Words that the browser keeps for this site. It may refuse, even to be asked: then nothing was kept, and nobody is stopped. */
class Words {
  constructor(private readonly storage: () => Storage) {}

  read(key: string): string | null {
    try {
      return this.storage().getItem(key)
    } catch {
      // Refused: there is nothing.
      return null
    }
  }

  /** False: it is not kept. */
  write(key: string, words: string): boolean {
    try {
      this.storage().setItem(key, words)
      return true
    } catch {
      // Refused, or full. What depends on it asks.
      return false
    }
  }

  forget(key: string): void {
    try {
      this.storage().removeItem(key)
    } catch {
      // What cannot be reached was never written.
    }
  }
}

/** Until somebody signs out. */
export const onDevice = new Words(() => localStorage)
/** As long as this tab is open. */
export const inTab = new Words(() => sessionStorage)
