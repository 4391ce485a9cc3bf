// What processes and the machine have used, from /proc: CPU in milliseconds, memory in bytes.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { now, sleep } from './time.mjs'

const TICK = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) // ms
const ENDED = ['ENOENT', 'ESRCH'] // a process may end while it is looked at

const read = (file) => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (ENDED.includes(error.code)) return ''
    throw error
  }
}

const threads = (pid) => {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch (error) {
    if (ENDED.includes(error.code)) return []
    throw error
  }
}

/** These processes with all that they have started. */
const family = (pids) => {
  const found = [...pids]
  for (const pid of found) { // which grows on the way
    for (const thread of threads(pid)) {
      const children = read(`/proc/${pid}/task/${thread}/children`).trim()
      if (children) found.push(...children.split(' ').map(Number).filter((child) => !found.includes(child)))
    }
  }
  return found
}

/** CPU that processes have used so far, with all that they have started, also what has ended. */
export const cpu = (pids) => family(pids).reduce((sum, pid) => {
  const line = read(`/proc/${pid}/stat`)
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ') // the name before it may hold anything
  return line ? fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * TICK + sum : sum // user, system; the same of those that ended
}, 0)

/** CPU that this process has used so far. */
export const ownCpu = () => {
  const used = process.cpuUsage()
  return (used.user + used.system) / 1000
}

export const memory = (pids) => family(pids).reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024, 0)

/** CPU that everybody has used so far, on all cores. */
export const everybodysCpu = () => {
  const [user, nice, system, , , irq, softirq, steal] = read('/proc/stat').split('\n')[0].trim().split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq + steal) * TICK
}

/** Wait until others use less than this share of a core, but at most so many ms. */
export const quiet = async (share, patience) => {
  const deadline = now() + patience
  for (;;) {
    const [began, all, own] = [now(), everybodysCpu(), ownCpu()]
    await sleep(500)
    const others = everybodysCpu() - all - (ownCpu() - own)
    if (others / (now() - began) < share || now() > deadline) return
  }
}
