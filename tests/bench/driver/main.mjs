// The load driver. A job comes as JSON on stdin, what was measured goes to stdout. `tests.bench.driving` tells both.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { carets } from './kinds/carets.mjs'
import { joining } from './kinds/joining.mjs'
import { resting } from './kinds/resting.mjs'
import { rising } from './kinds/rising.mjs'
import { typing } from './kinds/typing.mjs'
import { seeded } from './random.mjs'

const KINDS = { typing, rising, joining, resting, carets }

const job = JSON.parse(readFileSync(0, 'utf8'))
const { connect } = await import(pathToFileURL(job.adapter))
const measured = await KINDS[job.kind]({ ...job, random: seeded(job.seed) }, connect)
process.stdout.write(JSON.stringify(measured), () => process.exit(0)) // whatever a server has left open
