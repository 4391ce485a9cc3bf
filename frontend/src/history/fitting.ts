/** A view that the editor takes: it deletes what does not fit its schema, for everybody. */
import { Fragment, type Node } from '@tiptap/pm/model'
import { nodesOf, typeOf } from '../nodes'
import { CHILD, type Strand } from './strand'
import type { Attributes, View } from './views'

/** `wanted`, but an element whose children would not fit keeps those that it has at present; with the new ones, if that will do. */
export class Fitting implements View {
  readonly parts: readonly View[]
  private readonly chosen = new Map<Strand, 'wanted' | 'present' | 'both'>()

  constructor(private readonly wanted: View, private readonly present: View) {
    this.parts = wanted.parts
  }

  has(strand: Strand, piece: number): boolean {
    if (strand.kind[piece] !== CHILD) return this.wanted.has(strand, piece)
    let choice = this.chosen.get(strand)
    if (!choice) this.chosen.set(strand, (choice = this.choose(strand)))
    return (choice !== 'present' && this.wanted.has(strand, piece)) || (choice !== 'wanted' && this.present.has(strand, piece))
  }

  private choose(strand: Strand): 'wanted' | 'present' | 'both' {
    const type = typeOf(strand.name ?? '')
    if (!type) return 'wanted'
    const fits = (...views: View[]) => {
      const children: Node[] = []
      for (let piece = 0; piece < strand.count; piece++)
        if (strand.kind[piece] === CHILD && views.some((view) => view.has(strand, piece))) children.push(...nodesOf(strand.child(piece)))
      return type.validContent(Fragment.fromArray(children))
    }
    return fits(this.wanted) || !fits(this.present) ? 'wanted' : fits(this.wanted, this.present) ? 'both' : 'present'
  }

  attributes(strand: Strand): Attributes {
    return this.wanted.attributes(strand)
  }

  part(strand: Strand, piece: number): number {
    return this.wanted.part(strand, piece)
  }
}
