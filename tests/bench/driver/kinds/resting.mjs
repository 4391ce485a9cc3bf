import { Crowd } from '../crowd.mjs'
import { cpu, family, memory } from '../machine.mjs'
import { now, sleep } from '../time.mjs'

const SETTLING = 2000 // ms until a server has freed what it needed to open something
const RESTING = 5000 // ms

/** Many have documents open and do nothing. What the server has grown by is that of each of `each`: connections or documents. */
export const resting = async (job, connect) => {
  const crowd = new Crowd({ connect, ...job })
  const processes = family(job.pids)
  const before = { time: now(), memory: memory(processes), cpu: cpu(processes) }
  await crowd.gather(job)
  const opened = { seconds: (now() - before.time) / 1000, cpu: cpu(processes) - before.cpu }
  for (const writer of crowd.writers) crowd.edit(writer)
  await sleep(SETTLING)
  const after = memory(processes)
  const rest = cpu(processes)
  await sleep(RESTING)
  const idle = (cpu(processes) - rest) / RESTING
  const { complaints, promises } = crowd
  crowd.leave()
  const count = crowd.connections.length
  return {
    memory: after, memoryBefore: before.memory, memoryPerEach: (after - before.memory) / count, secondsToOpen: opened.seconds, cpuPerOpen: opened.cpu / count,
    idleCpu: idle, missing: 0, complaints, disagreements: [], promises,
  }
}
