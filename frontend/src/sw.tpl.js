// Keeps the shell of the app and its assets, so that notes on this device open without a network. The build fills in what is in __.
const CACHE = 'palimpsest-' + __VERSION__
const keep = async () => { await (await caches.open(CACHE)).addAll(['/offline', ...__ASSETS__]); await skipWaiting() }
const tidy = async () => { for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name); await clients.claim() }
addEventListener('install', (event) => event.waitUntil(keep()))
addEventListener('activate', (event) => event.waitUntil(tidy()))
addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== location.origin || /^\/(api|socket\.io)\//.test(pathname)) return
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match('/offline')))
  else if (pathname.startsWith('/assets/')) event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)))
})
