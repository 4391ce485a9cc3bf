/** What the schema says of elements in the doc, by their names. */
import { getSchema } from '@tiptap/core'
import { Fragment, type Node, type NodeType, type Schema } from '@tiptap/pm/model'
import * as Y from 'yjs'
import { extensions } from './schema'

let known: Schema | null = null

export const schema = (): Schema => (known ??= getSchema(extensions()))

export const typeOf = (name: string): NodeType | null => schema().nodes[name] ?? null

/** The name of an element; null: a text. */
interface Named { name: string | null }

/** A stand-in for a child, as the schema counts it. */
export function nodesOf({ name }: Named): Node[] {
  const type = typeOf(name ?? 'text')
  if (!type) return []
  return [type.isText ? type.schema.text('.') : type.create()]
}

/** What has to stand before these children for the schema to take them, a paragraph mostly. */
export function missing(name: string, children: readonly Named[]): Y.XmlElement[] {
  const before = typeOf(name)?.contentMatch.fillBefore(Fragment.fromArray(children.flatMap(nodesOf)), true)
  return (before?.content ?? []).map(emptyOf)
}

function emptyOf(node: Node): Y.XmlElement {
  const element = new Y.XmlElement(node.type.name)
  for (const [key, value] of Object.entries(node.attrs)) if (value !== null) element.setAttribute(key, value as string)
  element.insert(0, node.content.content.map(emptyOf))
  return element
}
