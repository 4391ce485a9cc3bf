import { Crowd } from '../crowd.mjs'
import { steadily } from '../pace.mjs'
import { measureQuietly } from '../window.mjs'

/** Writers type at one rate, edits a second of each. `warming`: { rate, seconds } before, so that compilers have done their work. */
export const typing = async (job, connect) => {
  const crowd = new Crowd({ connect, ...job })
  await crowd.gather(job)
  const type = (rate, seconds, late) => steadily(crowd.writers, rate, seconds, job.random, (writer) => crowd.edit(writer), late)
  await type(job.warming.rate, job.warming.seconds)
  const window = await measureQuietly(crowd, job, (late) => type(job.rate, job.seconds, late))
  const disagreements = await crowd.disagreements()
  const { complaints, promises } = crowd
  crowd.leave()
  return { ...window, disagreements, complaints, promises }
}
