/** Numbers and bytes, one after the other. */

/** Bytes that are no log. */
export class MalformedLog extends Error {
  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`)
    this.name = 'MalformedLog'
  }
}

export class Reader {
  private at = 0

  constructor(private readonly bytes: Uint8Array) {}

  get rest(): number {
    return this.bytes.length - this.at
  }

  byte(what: string): number {
    const byte = this.bytes[this.at]
    if (byte === undefined) throw this.ended(what)
    this.at += 1
    return byte
  }

  /** A varUint; at most 2^53 - 1. */
  uint(what: string): number {
    let number = 0
    let unit = 1
    for (;;) {
      const byte = this.byte(what)
      number += (byte & 127) * unit
      if (number > Number.MAX_SAFE_INTEGER) throw new MalformedLog(what, 'a number of more than 53 bits')
      if (byte < 128) return number
      unit *= 128
    }
  }

  /** A varUint of any size. */
  big(what: string): bigint {
    let number = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte(what)
      number += BigInt(byte & 127) << shift
      if (byte < 128) return number
    }
  }

  /** A zigzag varUint: 0, 1, 2, 3... are 0, -1, 1, -2... */
  int(what: string): number {
    const number = this.uint(what)
    return number % 2 ? -(number + 1) / 2 : number / 2
  }

  take(length: number, what: string): Uint8Array {
    if (length > this.rest) throw new MalformedLog(`${length} bytes of ${what}`, `${this.rest} bytes`)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  /** Numbers, each of at least one byte. */
  list(what: string, length: number, read = () => this.uint(what)): number[] {
    // A length that lies would keep the page waiting.
    if (length > this.rest) throw new MalformedLog(`${length} times ${what}`, `${this.rest} bytes`)
    return Array.from({ length }, read)
  }

  /** Nothing may follow. */
  finish(what: string): void {
    if (this.rest) throw new MalformedLog(`the end of ${what}`, `${this.rest} bytes more`)
  }

  private ended(what: string): MalformedLog {
    return new MalformedLog(what, `the end after ${this.bytes.length} bytes`)
  }
}
