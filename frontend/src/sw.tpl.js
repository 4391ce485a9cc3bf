// Keeps the shell of the app and its assets, so that notes on this device open without a network. The build fills in what is in __.
const CACHE = 'palimpsest-' + __VERSION__
const keep = async () => { await (await caches.open(CACHE)).addAll(['/offline', ...__ASSETS__]); await skipWaiting() }
// A page of the version before may still be open, and want a part of itself that the server has no more: its cache goes with the next version.
const tidy = async () => { for (const name of (await caches.keys()).filter((name) => name !== CACHE).slice(0, -1)) await caches.delete(name); await clients.claim() }
const shell = () => caches.match('/offline', { cacheName: CACHE })
addEventListener('install', (event) => event.waitUntil(keep()))
addEventListener('activate', (event) => event.waitUntil(tidy()))
addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin || /^\/(api|socket\.io)\//.test(pathname)) return
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(shell))
  else if (pathname.startsWith('/assets/')) event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)))
})
