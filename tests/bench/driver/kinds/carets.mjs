import { Crowd } from '../crowd.mjs'
import { steadily } from '../pace.mjs'
import { measureQuietly } from '../window.mjs'

/** Carets move at one rate, moves a second of each. A move is visible when it, or a later one of the same caret, has come. */
export const carets = async (job, connect) => {
  const crowd = new Crowd({ connect, ...job })
  await crowd.gather(job)
  crowd.takeCarets()
  const move = (seconds, late) => steadily(crowd.writers, job.rate, seconds, job.random, (writer) => crowd.move(writer), late)
  await move(job.warming.seconds)
  const window = await measureQuietly(crowd, job, (late) => move(job.seconds, late))
  const { complaints } = crowd
  crowd.leave()
  return { ...window, complaints, disagreements: [], promises: {} }
}
