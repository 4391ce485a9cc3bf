import { toast } from '../shell.svelte'
import type { Log } from './log.svelte'
import * as server from './server'
import type { Version } from './server'

/** The moments that have names. */
export class Versions {
  constructor(private readonly log: Log) {}

  at(seq: number): Version | undefined {
    return this.log.history?.versions.find((version) => version.seq === seq)
  }

  async name(seq: number, name: string): Promise<void> {
    await server.nameVersion(this.log.documentId, name, seq)
    await this.log.ask()
    toast(`Named “${name}”`)
  }

  async rename({ seq }: Version, name: string): Promise<void> {
    await server.renameVersion(this.log.documentId, seq, name)
    await this.log.ask()
  }

  async forget({ seq, name }: Version): Promise<void> {
    await server.forgetVersion(this.log.documentId, seq)
    await this.log.ask()
    toast(`“${name}” is no version any more. The moment itself stays`)
  }
}
