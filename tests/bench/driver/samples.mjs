/** Very many numbers, and their percentiles. */
export class Samples {
  #values = new Float64Array(1 << 16)
  #count = 0

  add(value) {
    if (this.#count === this.#values.length) {
      const wider = new Float64Array(this.#count * 2)
      wider.set(this.#values)
      this.#values = wider
    }
    this.#values[this.#count++] = value
  }

  /** null of no samples. */
  summary() {
    if (!this.#count) return null
    const sorted = this.#values.slice(0, this.#count).sort()
    const at = (share) => sorted[Math.min(this.#count - 1, Math.floor(share * this.#count))]
    return { count: this.#count, p50: at(0.5), p90: at(0.9), p99: at(0.99), worst: sorted[this.#count - 1] }
  }
}
