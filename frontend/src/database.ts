/** IndexedDB with promises, and no more than device.ts needs of it. */

export const STORES = { notes: 'notes', updates: 'updates', aside: 'aside' } as const

/** One database for each person, so that signing out can take everything of theirs away. */
const nameOf = (userId: number | null) => `palimpsest-${userId ?? 'reader'}`

/** Rejects when the browser has no storage for this page, or refuses it. `gone`: it was closed, and most likely deleted, from outside. */
export function openDatabase(userId: number | null, gone: () => void = () => undefined): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(nameOf(userId), 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORES.notes, { keyPath: 'document' })
      for (const store of [STORES.updates, STORES.aside])
        request.result.createObjectStore(store, { autoIncrement: true }).createIndex('document', 'document')
    }
    request.onsuccess = () => {
      // Somebody signs out in another tab: let go, or nothing could be deleted. (Only the browser's own closing has an event.)
      request.result.onversionchange = () => {
        request.result.close()
        gone()
      }
      request.result.onclose = gone
      resolve(request.result)
    }
    request.onerror = () => reject(request.error ?? new Error('expected a database on this device'))
  })
}

/** At signing out: nothing of this person stays on the device. */
export function deleteDatabase(userId: number | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(nameOf(userId))
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('expected the database of this person to be deleted'))
  })
}

export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('expected an answer of IndexedDB'))
  })
}

/** Once this resolves, everything that the transaction wrote is on the device. */
export function complete(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('expected the transaction to complete'))
  })
}

/** Some browsers never answer. */
const PATIENCE = 3000

/** The work, or a rejection when the device does not answer for three seconds. */
export async function within<T>(work: Promise<T>): Promise<T> {
  let late: ReturnType<typeof setTimeout> | undefined
  const giveUp = new Promise<never>((_resolve, reject) => {
    late = setTimeout(() => reject(new Error('expected an answer of IndexedDB within three seconds')), PATIENCE)
  })
  try {
    return await Promise.race([work, giveUp])
  } finally {
    clearTimeout(late)
  }
}
