import { monitorEventLoopDelay } from 'node:perf_hooks'
import { cpu, everybodysCpu, family, memory, ownCpu, quiet } from './machine.mjs'
import { Samples } from './samples.mjs'
import { now } from './time.mjs'

const QUIET = 0.2 // of a core
const NOISY = 0.4 // of a core: what others use in a window that does not count
const SETTLING = 8000 // ms for what is under way at the end of a window

/** What everybody has used and done so far. */
const reading = (crowd, processes) => ({
  time: now(), server: cpu(processes), driver: ownCpu(), all: everybodysCpu(), edits: crowd.edits, shown: crowd.shown, messages: crowd.messages, traffic: crowd.traffic(),
})

/** Let `act` happen at a steady pace and measure what it takes: `work(late)` returns when its time is over. */
export const measure = async (crowd, pids, work) => {
  const processes = family(pids)
  const loop = monitorEventLoopDelay({ resolution: 5 })
  const late = new Samples()
  crowd.visible = new Samples()
  crowd.acked = new Samples()
  loop.enable()
  const before = reading(crowd, processes)
  crowd.since = before.time
  await work((ms) => late.add(ms))
  const after = reading(crowd, processes)
  loop.disable()
  const backlog = crowd.missing
  const missing = await crowd.settle(SETTLING)
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
    driverCpu: driver / wall,
    otherCpu: Math.max(0, difference('all') - server - driver) / wall,
    driverLate: late.summary()?.p99 ?? null, // ms
    driverLoop: loop.percentile(99) / 1e6, // ms
    memory: memory(processes),
    backlog,
    missing,
  }
}

/** The same while others leave the machine alone, for which it waits `patience` ms: in the quietest of a few windows. */
export const measureQuietly = async (crowd, { pids, attempts, patience }, work) => {
  let best
  for (let count = 0; count < attempts; count++) {
    await quiet(QUIET, patience)
    const window = await measure(crowd, pids, work)
    if (!best || window.otherCpu < best.otherCpu) best = window
    if (best.otherCpu < NOISY || window.missing) break
  }
  return { ...best, noisy: best.otherCpu >= NOISY }
}
