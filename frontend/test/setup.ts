// IndexedDB for Node: every test makes databases of its own.
import 'fake-indexeddb/auto'
import { webcrypto } from 'node:crypto'
import { chances } from './seed'

// Yjs takes the ids of its docs from here: what a seed repeats, it repeats with them.
webcrypto.getRandomValues = ((array: Uint32Array) => array.map((_, at) => (array[at] = chances.roll(2 ** 32)))) as typeof webcrypto.getRandomValues

// Nothing is laid out here. What its observers say would never come.
Reflect.deleteProperty(globalThis, 'IntersectionObserver')
