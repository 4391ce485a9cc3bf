import { Crowd } from '../crowd.mjs'
import { cpu, memory } from '../machine.mjs'
import { now, sleep } from '../time.mjs'

const SETTLING = 4000 // ms until a server has freed what it needed to open something, and done what comes after an edit

/** Many have documents open and do nothing, for `seconds`. What the server has grown by is that of each connection. */
export const resting = async (job, connect) => {
  const crowd = new Crowd({ connect, ...job })
  const groups = Object.entries({ server: job.pids, ...job.beside })
  const used = () => Object.fromEntries(groups.map(([name, pids]) => [name, cpu(pids)]))
  const before = { time: now(), memory: memory(job.pids), cpu: used().server }
  await crowd.gather(job)
  const opened = { seconds: (now() - before.time) / 1000, cpu: used().server - before.cpu }
  for (const writer of crowd.writers) crowd.edit(writer)
  await sleep(SETTLING)
  const after = memory(job.pids)
  const rest = used()
  await sleep(job.seconds * 1000)
  const idle = Object.fromEntries(Object.entries(used()).map(([name, ms]) => [name, (ms - rest[name]) / job.seconds / 1000]))
  const { complaints, promises } = crowd
  crowd.leave()
  const count = crowd.connections.length
  return {
    memory: after, memoryBefore: before.memory, memoryPerEach: (after - before.memory) / count, secondsToOpen: opened.seconds, cpuPerOpen: opened.cpu / count,
    idle, missing: 0, complaints, disagreements: [], promises, // idle: cores
  }
}
