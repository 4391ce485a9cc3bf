import { mount, type Component } from 'svelte'
import { ahead } from './ahead'
import { useToken } from './api'
import App from './App.svelte'
import { keepBoot, keptBoot, readBoot } from './boot'
import { firstText } from './first'
import { fetchLater, later } from './later'
import { arrived } from './moving'
import Announcer from './parts/Announcer.svelte'
import { session } from './session.svelte'
import './styles/index.css'

type Page = Promise<{ default: Component }>

/**
 * lib0 makes some errors ahead, while its module runs. For their traces V8 reads the whole chunk of the editor once more, which
 * takes nearly as long as to run it.
 */
async function withoutTraces<T>(load: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  return load().finally(() => (Error.stackTraceLimit = stackTraceLimit))
}

/** A note's address is /n/<id>. Every page is a chunk of its own: only a note's page loads the editor. */
function pageFor(path: string): Page {
  if (path.startsWith('/n/')) {
    if (!session.offline && !session.boot.document) return import('./pages/Missing.svelte')
    return withoutTraces(() => import('./pages/Note.svelte'))
  }
  if (session.offline) return import('./pages/List.svelte')
  if (path === '/signin') return import('./pages/SignIn.svelte')
  if (path === '/signup') return import('./pages/SignUp.svelte')
  if (path === '/settings') return import('./pages/Settings.svelte')
  return path === '/' ? import('./pages/Home.svelte') : import('./pages/Missing.svelte')
}

const boot = readBoot()
session.boot = boot ?? keptBoot()
session.offline = boot === null
if (boot) {
  useToken(boot.csrf)
  keepBoot(boot)
  await arrived(boot.user)
  ahead.ask(boot)
}

const { default: page } = await pageFor(location.pathname)
const app = document.getElementById('app')
if (!app) throw new Error('expected an element with the id app in the page')
// The server's text stays to be read until the note has its own; the note's page puts it in its place.
firstText.take(app)
mount(App, { target: app, props: { page } })
mount(Announcer, { target: document.body })
// It fetches all there is: not while somebody waits for a note.
if (import.meta.env.PROD && 'serviceWorker' in navigator) later(() => navigator.serviceWorker.register('/sw.js'))
// A note's page says itself when it can be written in.
if (!location.pathname.startsWith('/n/')) fetchLater()
