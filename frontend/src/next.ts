/** Where to go after signing in: a path of this site, never an address of another. */
export function nextPath(search: string, origin: string): string {
  const wanted = new URLSearchParams(search).get('next')
  if (!wanted?.startsWith('/')) return '/'
  let url: URL
  try {
    url = new URL(wanted, origin)
  } catch {
    return '/'
  }
  return url.origin === origin ? url.pathname + url.search + url.hash : '/'
}

/** `path` (/signin, /signup), with the way back to the page that is open. */
export function withNext(path: string): string {
  const here = location.pathname + location.search
  return here === '/' ? path : `${path}?next=${encodeURIComponent(here)}`
}
