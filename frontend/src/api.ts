/** The HTTP side (docs/http.md). The only file that calls fetch. */

export type Role = 'viewer' | 'commenter' | 'editor' | 'owner'

export interface User { id: number; name: string; email: string | null; guest: boolean; admin: boolean }

export interface Person { id: number; name: string; slot: number }

export interface DocumentInfo {
  id: string
  title: string
  excerpt: string
  role: Role
  epoch: string
  /** Times are milliseconds since 1970. */
  created: number
  updated: number
  deleted: number | null
  owner: { id: number; name: string }
  shared: boolean
  people: Person[]
  /** May you see how it was written? */
  history: boolean
}

export interface Settings {
  guests: boolean
  signups: boolean
  /** Days after which history is erased; null: never. */
  retention: number | null
}

export interface Boot {
  user: User | null
  csrf: string
  schema: number
  /** No account exists yet: the next one is the administrator's. */
  first: boolean
  settings: Settings
  document?: DocumentInfo
}

export interface Share {
  share: { role: 'viewer' | 'editor'; history: boolean; token: string; url: string } | null
  people: { id: number; name: string; email: string | null; guest: boolean; role: Role; slot: number }[]
}

/** An answer that is not 2xx, in the words of its problem details; `status` 0: no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly type: string,
    readonly title: string,
    readonly detail: string,
    readonly status: number,
    readonly errors: Record<string, string[]> = {},
  ) {
    super(detail || title)
    this.name = 'ApiError'
  }

  /** There was no answer: the network or the server is away. */
  get offline(): boolean {
    return this.status === 0
  }
}

let csrf = ''

/** Changing requests carry this token from now on. */
export function useToken(token: string): void {
  csrf = token
}

async function send(method: string, path: string, body: unknown, options: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  const bytes = body instanceof Uint8Array
  if (body !== undefined) headers['Content-Type'] = bytes ? 'application/octet-stream' : 'application/json'
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf
  try {
    return await fetch(path, {
      ...options, method, headers, credentials: 'same-origin', cache: 'no-store',
      body: body === undefined ? null : bytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new ApiError('offline', 'No answer', 'The server did not answer. Check the connection and try again.', 0)
  }
}

/** A proxy in between answers in its own way: then the status is all there is to say. */
async function problem(response: Response): Promise<ApiError> {
  if (!response.headers.get('Content-Type')?.includes('json'))
    return new ApiError('server', 'Not done', `The server answered with an error (${response.status}). Try again in a moment.`, response.status)
  const said = (await response.json()) as Partial<ApiError>
  return new ApiError(said.type ?? 'server', said.title ?? '', said.detail ?? '', response.status, said.errors)
}

/** One request. `options`: for one that must outlive the page. */
export async function call<T>(method: string, path: string, body?: unknown, options?: RequestInit): Promise<T> {
  let response = await send(method, path, body, options)
  if (!response.ok) {
    let error = await problem(response)
    // The token belongs to a session that another tab has ended or begun: fetch the new one, once.
    if (error.type === 'csrf') {
      useToken((await call<Boot>('GET', '/api/me')).csrf)
      response = await send(method, path, body, options)
      if (response.ok) return answer<T>(response)
      error = await problem(response)
    }
    throw error
  }
  return answer<T>(response)
}

async function answer<T>(response: Response): Promise<T> {
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T)
}

/** The session begins or changes: what comes back carries the new token. */
async function enter(method: string, path: string, body?: unknown): Promise<Boot> {
  const boot = await call<Boot>(method, path, body)
  useToken(boot.csrf)
  return boot
}

export const noteAddress = (id: string, rest = '') => `/api/documents/${encodeURIComponent(id)}${rest}`

export const me = () => enter('GET', '/api/me')
export const register = (email: string, password: string, name: string) =>
  enter('POST', '/api/auth/register', { email, password, name })
export const signIn = (email: string, password: string) => enter('POST', '/api/auth/login', { email, password })
export const signOut = () => enter('POST', '/api/auth/logout', {})
export const changePassword = (password: string, wanted: string) =>
  enter('POST', '/api/auth/change', { password, new_password: wanted, new_password_confirm: wanted })
export const becomeGuest = (name: string) => enter('POST', '/api/guests', { name })
export const rename = (name: string) => enter('PATCH', '/api/me', { name })
export const changeSettings = (change: Partial<Settings>) => call<Settings>('PATCH', '/api/settings', change)

export const documents = async (bin = false) =>
  (await call<{ documents: DocumentInfo[] }>('GET', bin ? '/api/documents?bin=1' : '/api/documents')).documents
export const document = (id: string) => call<DocumentInfo>('GET', noteAddress(id))
export const newDocument = () => call<DocumentInfo>('POST', '/api/documents', {})
export const retitle = (id: string, title: string) => call<DocumentInfo>('PATCH', noteAddress(id), { title })
export const remove = (id: string) => call<void>('DELETE', noteAddress(id))
export const restore = (id: string) => call<DocumentInfo>('POST', noteAddress(id, '/restore'), {})
export const removeForever = (id: string) => call<void>('DELETE', noteAddress(id, '/forever'))

export const share = (id: string) => call<Share>('GET', noteAddress(id, '/share'))
export const putShare = (id: string, change: { role?: 'viewer' | 'editor'; history?: boolean }) => call<Share>('PUT', noteAddress(id, '/share'), change)
export const revokeShare = (id: string) => call<void>('DELETE', noteAddress(id, '/share'))

/** The log after an entry, as chunks (history/chunks.ts), and up to which entry it goes. */
export async function historyEntries(id: string, after: number, epoch: string, signal?: AbortSignal): Promise<{ stream: ReadableStream<Uint8Array>; until: number }> {
  const { body, headers } = await past(noteAddress(id, `/history/entries?after=${after}`), epoch, signal)
  return { stream: body, until: Number(headers.get('X-Until')) }
}

/** The whole note at an entry, one update. */
export const historyState = async (id: string, seq: number, epoch: string, signal?: AbortSignal) =>
  new Uint8Array(await new Response((await past(noteAddress(id, `/history/state?seq=${seq}`), epoch, signal)).body).arrayBuffer())

/** The whole note as it is now, one update; the entries of the log that are in it go up to `seq`. */
export interface State { epoch: string; seq: number; update: Uint8Array }

/** Null: a part of it is damaged, and a join says which. */
export async function noteState(id: string): Promise<State | null> {
  const response = await send('GET', noteAddress(id, '/state'), undefined)
  if (!response.ok) throw await problem(response)
  if (response.status === 204) return null
  const [epoch, seq] = [response.headers.get('X-Epoch'), Number(response.headers.get('X-Seq') ?? NaN)]
  if (epoch === null || !Number.isInteger(seq)) throw new ApiError('server', 'No answer', 'The server answered without saying what.', response.status)
  return { epoch, seq, update: new Uint8Array(await response.arrayBuffer()) }
}

/** What this device has of a note (docs/http.md): it may hold what is damaged on the server. */
export const repair = (id: string, seq: number, copy: Uint8Array<ArrayBuffer>) => call<void>('POST', noteAddress(id, `/history/repair?seq=${seq}`), copy)

/** Bytes of the past of this epoch. */
async function past(path: string, epoch: string, signal?: AbortSignal): Promise<{ body: ReadableStream<Uint8Array>; headers: Headers }> {
  const response = await send('GET', path, undefined, signal ? { signal } : {})
  if (!response.ok) throw await problem(response)
  const now = response.headers.get('X-Epoch')
  if (now !== null && now !== epoch) throw new ApiError('epoch', 'The history was changed', 'Parts of it were erased. Open it again.', 409)
  if (!response.body) throw new ApiError('server', 'No answer', 'The server answered without a history.', response.status)
  return { body: response.body, headers: response.headers }
}
