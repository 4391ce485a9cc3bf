import { Crowd } from '../crowd.mjs'
import { steadily } from '../pace.mjs'
import { measureQuietly } from '../window.mjs'

const TOO_LATE = 250 // ms: p99 from then on is no editing together

const good = (step) => step.visible !== null && step.visible.p99 <= TOO_LATE && step.missing === 0

/**
 * Writers type faster and faster, `rates` edits a second of each, until that is too fast for the server: then once more
 * between the last two. Steps up to `through` edits a second are done in any case. `best` is the fastest good step,
 * `beyond` the one that was too fast; all `steps` are told.
 */
export const rising = async (job, connect) => {
  const crowd = new Crowd({ connect, applying: { writers: false }, ...job })
  await crowd.gather(job)
  const steps = []
  const step = async (rate) => {
    const type = (seconds, late) => steadily(crowd.writers, rate, seconds, job.random, (writer) => crowd.edit(writer), late)
    await type(1)
    const window = await measureQuietly(crowd, job, (late) => type(job.seconds, late))
    steps.push({ rate, ...window })
    return steps.at(-1)
  }
  let [best, beyond] = [null, null]
  for (const rate of job.rates) {
    const now = await step(rate)
    if (good(now)) [best, beyond] = [now, null]
    else beyond ??= now
    if (now.missing || (beyond && rate >= job.through)) break
  }
  if (best && beyond && !crowd.missing) {
    const between = await step(Math.sqrt(best.rate * beyond.rate))
    if (good(between)) best = between
  }
  const disagreements = crowd.missing ? [] : await crowd.disagreements()
  const { complaints, promises } = crowd
  crowd.leave()
  return { steps, best, beyond, noisy: steps.some(({ noisy }) => noisy), missing: crowd.missing, disagreements, complaints, promises }
}
