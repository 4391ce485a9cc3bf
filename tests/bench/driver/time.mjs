export const now = () => performance.now()

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** A promise and who keeps it. A rejection that nobody waits for is no error. */
export const promised = () => {
  let resolve, reject
  const promise = new Promise((kept, broken) => { [resolve, reject] = [kept, broken] })
  promise.catch(() => {})
  return { promise, resolve, reject }
}

/** The same promise, which is broken after so many ms. */
export const within = (ms, what, promise) => {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Do all of these, at most so many at once. */
export const atOnce = async (most, jobs, work) => {
  let next = 0
  const worker = async () => { while (next < jobs.length) await work(jobs[next++]) }
  await Promise.all(Array.from({ length: most }, worker))
}
