/** What the server tells about the history of a note (docs/http.md, "History"). */
import { call, noteAddress } from '../api'

/** An entry of the log; "the note at `seq`" is the note with all entries up to it. */
export type Seq = number

export interface Author { id: number; name: string; slot: number; guest: boolean; gone: boolean }
export interface Version { seq: Seq; name: string; user: number | null; time: number }
export interface Act { seq: Seq; kind: 'restore' | 'import' | 'api'; detail: { what?: string }; user: number | null; time: number }
/** A time in which people wrote without a long pause. `people`: who, and how many characters they put in and took out. */
export interface Sitting { first: Seq; last: Seq; began: number; ended: number; people: [number | null, number, number][] }
/** Damaged entries. `known`: what they did is told by the note as it was at this entry; null: nothing tells it. `user`: whose copy told it; null: the server's own. */
export interface Damage { first: Seq; last: Seq; found: number; known: Seq | null; user: number | null }
export interface Storage { entries: number; log: number; snapshots: number }

export interface History {
  epoch: string
  head: Seq
  /** 0, or the first moment there is: what was before is erased. */
  from: Seq
  looked: { seq: Seq; time: number } | null
  /** Entries since then that others made. */
  since: number
  people: Author[]
  versions: Version[]
  acts: Act[]
  storage: Storage
  sittings: Sitting[]
  more: Seq | null
  /** Entries that are in no sitting yet; until it is 0, nothing is told of sittings and of what is new. */
  behind: number
  bases: Seq[]
  damaged: Damage[]
}

/** What erasing took away, or would take away. */
export interface Erased { entries: number; versions: number; bytes: number; epoch: string }
export type Erasing = { before: Seq } | { pieces: [client: number, clock: number, length: number][]; words: string }

/** What is behind is asked for again after so many milliseconds. */
const SOON = 100
export const soon = () => new Promise((resolve) => setTimeout(resolve, SOON))

const address = (id: string, rest = '') => noteAddress(id, `/history${rest}`)
const version = (id: string, seq: Seq) => noteAddress(id, `/versions/${seq}`)

export const history = (id: string) => call<History>('GET', address(id))
export const sittings = (id: string, before: Seq) => call<Pick<History, 'sittings' | 'more'>>('GET', address(id, `/sittings?before=${before}`))
/** Also while the page is being left. */
export const looked = (id: string, seq: Seq) => call<void>('POST', address(id, '/looked'), { seq }, { keepalive: true })
export const act = (id: string, seq: Seq, what: string) => call<Act>('POST', address(id, '/acts'), { seq, kind: 'restore', detail: { what } })
export const erase = (id: string, what: Erasing, dry: boolean) => call<Erased>('POST', address(id, '/erase'), dry ? { ...what, dry } : what)
export const nameVersion = (id: string, name: string, seq?: Seq) => call<Version>('POST', noteAddress(id, '/versions'), seq === undefined ? { name } : { name, seq })
export const renameVersion = (id: string, seq: Seq, name: string) => call<Version>('PATCH', version(id, seq), { name })
export const forgetVersion = (id: string, seq: Seq) => call<void>('DELETE', version(id, seq))
export const exportAddress = (id: string, seq: Seq, format: 'html' | 'txt') => `${version(id, seq)}/export?format=${format}`
