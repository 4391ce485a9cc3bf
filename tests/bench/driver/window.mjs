import { monitorEventLoopDelay } from 'node:perf_hooks'
import { cpu, everybodysCpu, memory, ownCpu, quiet } from './machine.mjs'
import { Samples } from './samples.mjs'
import { now } from './time.mjs'

const QUIET = 0.2 // of a core
const NOISY = 0.4 // of a core: what others use in a window that does not count

/** What everybody has used and done so far. `beside`: the processes of other services, by their names. */
const reading = (crowd, { pids, beside }) => ({
  ...Object.fromEntries(Object.entries(beside).map(([name, pids]) => [name, cpu(pids)])),
  time: now(), server: cpu(pids), driver: ownCpu(), all: everybodysCpu(), edits: crowd.edits, shown: crowd.shown, messages: crowd.messages, traffic: crowd.traffic(),
})

/**
 * What it takes to do some work at a steady pace: `work(late)` returns when its time is over, and tells how late it was.
 * What is still under way then has `settling` ms to arrive.
 */
const measure = async (crowd, job, work) => {
  const loop = monitorEventLoopDelay({ resolution: 5 })
  const late = new Samples()
  crowd.visible = new Samples()
  crowd.acked = new Samples()
  loop.enable()
  const before = reading(crowd, job)
  crowd.since = before.time
  await work((ms) => late.add(ms))
  const after = reading(crowd, job)
  loop.disable()
  const backlog = crowd.missing
  const missing = await crowd.settle(job.settling)
  crowd.since = Infinity
  const difference = (name) => after[name] - before[name]
  const wall = difference('time')
  const [edits, shown, server, driver] = ['edits', 'shown', 'server', 'driver'].map(difference)
  return {
    seconds: wall / 1000,
    edits,
    shown,
    messages: difference('messages'),
    editsPerSecond: edits / wall * 1000,
    shownPerSecond: shown / wall * 1000,
    shownPerMessage: shown / difference('messages'),
    visible: crowd.visible.summary(), // ms from sent to visible
    acked: crowd.acked.summary(), // ms from sent to acknowledged
    cpuPerEdit: server / edits * 1000, // us of the server
    cpuPerShown: server / shown * 1000, // us of the server
    bytesPerShown: (after.traffic.in - before.traffic.in) / shown,
    bytesPerEdit: (after.traffic.out - before.traffic.out) / edits,
    serverCpu: server / wall, // cores
    besidePerEdit: Object.fromEntries(Object.keys(job.beside).map((name) => [name, difference(name) / edits * 1000])), // us
    driverCpu: driver / wall,
    otherCpu: Math.max(0, difference('all') - server - driver - Object.keys(job.beside).reduce((sum, name) => sum + difference(name), 0)) / wall,
    driverLate: late.summary()?.p99 ?? null, // ms
    driverLoop: loop.percentile(99) / 1e6, // ms
    memory: memory(job.pids),
    backlog,
    missing,
  }
}

/** The same while others leave the machine alone, for which it waits so many ms of patience: in the quietest of a few windows. */
export const measureQuietly = async (crowd, job, work) => {
  let best
  for (let count = 0; count < job.attempts; count++) {
    await quiet(QUIET, job.patience)
    const window = await measure(crowd, job, work)
    if (!best || window.otherCpu < best.otherCpu) best = window
    if (best.otherCpu < NOISY || window.missing) break
  }
  return { ...best, noisy: best.otherCpu >= NOISY }
}
