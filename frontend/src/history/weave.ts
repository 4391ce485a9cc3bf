/** All that was ever in a note, in its order: each piece with the group that put it there and the one that took it away. */
import * as Y from 'yjs'
import { BODY, TITLE } from '../schema'
import { Authors } from './authors'
import { MalformedLog, type Group } from './chunks'
import { Origins } from './origins'
import { Slice, breath } from './slices'
import { CHILD, Strand, touchedIn } from './strand'

/** A group without its bytes. The log is a list of steps; a moment `n` is the note after the first `n` of them. */
export type Step = Omit<Group, 'update'>

type AnyType = Y.AbstractType<unknown>

export class Weave {
  readonly steps: Step[] = []
  /** Never collected: what was deleted is still in it. */
  readonly doc = new Y.Doc({ gc: false })
  readonly title = new Strand('', null)
  readonly body = new Strand('', null)
  private readonly authors = new Authors()
  private readonly strands = new Map<AnyType, Strand>([[this.doc.getText(TITLE) as AnyType, this.title], [this.doc.getXmlFragment(BODY) as AnyType, this.body]])
  private readonly touched = new Map<Strand, Int32Array>()
  private originsNow: Origins | null = null
  /** Types with something in them that their strand does not show yet. */
  private readonly dirty = new Set<AnyType>(this.strands.keys())

  /** Replay more of the log; `weave` shows it. */
  async replay(groups: readonly Group[]): Promise<void> {
    for (let at = 0; at < groups.length;) {
      // An update in a transaction of its own costs four times as much, all of them in one would keep the page waiting.
      this.doc.transact((transaction) => {
        const slice = new Slice()
        for (; at < groups.length && !slice.over; at++) this.apply(groups[at] as Group)
        for (const type of transaction.changed.keys()) this.dirty.add(type as AnyType)
        // What is deleted with its parent does not count as changed.
        Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct) => {
          if (struct instanceof Y.Item) this.dirty.add(struct.parent as AnyType)
        })
        // Yjs tidies formats up after edits of others. The log is complete: what people's own copies tidied up is in it.
        transaction.local = true
      })
      await breath()
    }
  }

  private apply({ update, ...step }: Group): void {
    try {
      Y.applyUpdate(this.doc, update)
      this.authors.add(this.steps.length, update)
    } catch (error) {
      throw new MalformedLog(`an update for the entries ${step.first} to ${step.last}`, String(error))
    }
    this.steps.push(step)
  }

  /** Bring the strands up to date. Raises MalformedLog when there is something that builds on what never came: nothing of that is drawn as if it were all. */
  async weave(): Promise<void> {
    const { pendingStructs, pendingDs } = this.doc.store
    if (pendingStructs || pendingDs) throw new MalformedLog('entries that build on what was before them', 'one that builds on something else')
    this.authors.sort()
    let slice = new Slice()
    for (const type of this.dirty) {
      const strand = this.strands.get(type)
      // The parent's strand comes first, and brings this one.
      if (!strand) continue
      strand.fill(type, this.authors, (child, parent) => this.strandOf(child, parent))
      this.touched.delete(this.blockOf(strand))
      if (slice.over) {
        await breath()
        slice = new Slice()
      }
    }
    // Somebody may have asked in between, of strands that were half filled.
    if (this.dirty.size) this.originsNow = null
    this.dirty.clear()
  }

  private strandOf(type: AnyType, parent: Strand): Strand {
    const known = this.strands.get(type)
    if (known) return known
    const name = type instanceof Y.XmlElement ? (type.nodeName as string) : type instanceof Y.Text ? null : 'unknown'
    const strand = new Strand(name, parent)
    this.strands.set(type, strand)
    // Whatever is added to a set while it is gone through is gone through, too.
    this.dirty.delete(type)
    this.dirty.add(type)
    return strand
  }

  /** The block of the body (or the root) that holds a strand. */
  private blockOf(strand: Strand): Strand {
    let block = strand
    while (block.parent?.parent) block = block.parent
    return block
  }

  /** The groups that touched what is in a block of the body or in the title, sorted: between two of them it looks the same. */
  touching(block: Strand): Int32Array {
    let touched = this.touched.get(block)
    if (!touched) this.touched.set(block, (touched = touchedIn(block)))
    return touched
  }

  /** Who wrote the text that there is and was: worked out when it is first asked for. */
  get origins(): Origins {
    return (this.originsNow ??= new Origins(this.strands.values()))
  }

  /** The blocks of the body that ever were, in their order. */
  *blocks(): Generator<[block: Strand, piece: number]> {
    for (let piece = 0; piece < this.body.count; piece++) if (this.body.kind[piece] === CHILD) yield [this.body.child(piece), piece]
  }

  /** The moment that an entry belongs to: its group is the last one of it. */
  momentOf(seq: number): number {
    let low = 0
    let high = this.steps.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.steps[middle] as Step).last < seq) low = middle + 1
      else high = middle
    }
    const step = this.steps[low]
    return step && step.first <= seq ? low + 1 : low
  }

  get head(): number {
    return this.steps.length
  }

  destroy(): void {
    this.doc.destroy()
    this.strands.clear()
    this.touched.clear()
    this.originsNow = null
  }
}
