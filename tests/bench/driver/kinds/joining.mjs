import { cpu, memory, quiet } from '../machine.mjs'
import { Crowd } from '../crowd.mjs'
import { Samples } from '../samples.mjs'
import { now, sleep, within } from '../time.mjs'
import { generated, recorded } from '../trace.mjs'

const PATIENCE = 60_000 // ms

/** Many people open one long document in the same moment: its text is that of `trace`, or made of a seed. */
export const joining = async (job, connect) => {
  const crowd = new Crowd({ connect, ...job })
  const [note] = crowd.notes
  const first = crowd.link(note, 'writers', 0, { heard: () => {} })
  await within(PATIENCE, note.name, first.ready)
  const text = job.trace ? recorded(job.trace) : generated(job.random)
  await crowd.fill(note, { link: first }, text.updates)
  await quiet(0.2, job.patience)
  const before = { time: now(), cpu: cpu(job.pids), memory: memory(job.pids) }
  const took = new Samples()
  let received = 0
  const failed = []
  const links = await Promise.all(Array.from({ length: job.people }, async (_, number) => {
    const began = now()
    const link = crowd.link(note, 'readers', number, { heard: () => {} })
    try {
      received += (await within(PATIENCE, note.name, link.ready)).length
      took.add(now() - began)
    } catch (error) {
      failed.push(error.message)
    }
    return link
  }))
  const wall = now() - before.time
  await sleep(300) // what a server does after it has answered
  const used = cpu(job.pids) - before.cpu
  const after = memory(job.pids)
  for (const link of [first, ...links]) link.close()
  return {
    operations: text.operations, joined: took.summary(), seconds: wall / 1000, cpuPerJoin: used / job.people, memory: after, memoryBefore: before.memory,
    stateBytes: received / job.people, complaints: [...new Set(failed)], disagreements: [], promises: { [note.name]: text.clocks },
  }
}
