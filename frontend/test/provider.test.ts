import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { Person } from './person'
import { dice, seed } from './seed'
import { Server } from './server'

beforeEach(() => {
  vi.useFakeTimers()
  // Waits are jittered; the seed shall repeat them, too.
  const roll = dice()
  vi.spyOn(Math, 'random').mockImplementation(() => roll(1_000_000) / 1_000_000)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)

let server: Server
let ana: Person
let ben: Person

async function together(delay?: () => number): Promise<void> {
  server = new Server(delay)
  ana = new Person(server, 'Ana', 1)
  ben = new Person(server, 'Ben', 2)
  ana.provider.connect()
  ben.provider.connect()
  await pass(500)
  expect(ana.synced).toBe(1)
}

describe('two people', () => {
  test('read what the other writes', async () => {
    await together()
    ana.type('Plan')
    await pass(300)
    ben.type(' for spring')
    await pass(300)
    expect([ana.reads, ben.reads]).toEqual(['Plan for spring', 'Plan for spring'])
    expect(ana.provider.outbox.length + ben.provider.outbox.length).toBe(0)
  })

  test('stay in the note when what shows it fails: nothing is wrong with the text', async () => {
    await together()
    const failure = new Error('expected a caret that can be drawn')
    ben.text.observe((_event, { origin }) => {
      if (origin === ben.provider) throw failure
    })
    ana.type('Plan')
    await pass(300)
    expect(ben.unseen[0]).toBe(failure)
    expect([ben.reads, ben.provider.seq, ben.provider.out]).toEqual(['Plan', server.seq, null])
    expect([ben.provider.joined?.role, server.joins]).toEqual(['editor', 2])
  })

  test('read nothing of the other while they compose, and send on', async () => {
    await together()
    let composing = true
    ben.provider.holdWhile(() => composing)
    ana.type('Plan')
    await pass(300)
    const behind = ben.provider.seq
    ben.type('か')
    await pass(300)
    ben.provider.settle()
    expect([ben.reads, ben.provider.outbox.length, ben.provider.seq]).toEqual(['か', 0, behind])
    expect([...ana.reads].sort().join('')).toBe([...'Planか'].sort().join(''))
    server.cut(ben.visitor)
    ben.type('んじ')
    await pass(3000)
    expect([ben.reads, ben.provider.outbox.length, ben.synced]).toEqual(['かんじ', 0, 1])
    composing = false
    await pass(200)
    expect([ben.reads, ben.synced]).toEqual([ana.reads, 2])
    expect(ben.provider.seq).toBeGreaterThan(behind)
    expect(ben.reads).toContain('かんじ')
    expect(ben.provider.joined?.role).toBe('editor')
  })

  test('send the first key at once, and together what follows while it is under way', async () => {
    await together(() => 40)
    ana.type('a')
    ana.type('bcdefghij')
    await pass(700)
    expect(ana.provider.outbox.length).toBe(0)
    expect(server.log).toHaveLength(2)
  })

  test('know which entry holds an edit, and up to which entry they have all', async () => {
    await together()
    ben.type('Plan')
    await pass(300)
    expect(ana.provider.seq).toBe(server.seq)
    ana.type('!')
    const entry = ana.provider.entryOf(ana.provider.outbox.all.at(-1)!)
    await pass(300)
    expect(await entry).toBe(server.seq)
    expect(ana.provider.seq).toBe(server.seq)
  })

  test('cannot name the entry when the ack was lost, but know that the server has it', async () => {
    await together()
    ana.type('P')
    const entry = ana.provider.entryOf(ana.provider.outbox.all.at(-1)!)
    await pass(7)
    server.cut(ana.visitor) // after it was taken, before the ack came
    await pass(5000)
    expect(server.log).toHaveLength(1)
    expect(await entry).toBeNull()
  })

  test('see each other come and go, and come back', async () => {
    await together()
    await pass(300)
    expect([ana.sees, ben.sees]).toEqual([['Ana', 'Ben'], ['Ana', 'Ben']])
    for (let n = 0; n < 3; n++) {
      server.cut(ana.visitor)
      expect(ana.sees).toEqual(['Ana'])
      await pass(20)
      expect(ben.sees).toEqual(['Ben'])
      await pass(3000)
      expect([ana.sees, ben.sees]).toEqual([['Ana', 'Ben'], ['Ana', 'Ben']])
    }
    ana.provider.destroy()
    await pass(20)
    expect(ben.sees).toEqual(['Ben'])
  })

  test('go on writing while the network is away', async () => {
    await together()
    server.down = true
    server.cut()
    ana.type('Ana was here. ')
    ben.type('Ben, too. ')
    await pass(60_000)
    expect(ana.provider.outbox.length).toBe(14)
    server.down = false
    await pass(16_000)
    expect(ana.reads).toBe(ben.reads)
    expect(server.doc.getText('title').toString()).toBe(ana.reads)
    expect(ana.reads).toContain('Ana was here. ')
    expect(ana.provider.outbox.length).toBe(0)
  })

  test('add nothing to the log by coming back', async () => {
    await together()
    ana.type('x')
    ana.text.delete(0, 1)
    await pass(300)
    const before = server.log.length
    for (let n = 0; n < 3; n++) {
      server.cut()
      await pass(5000)
    }
    expect(server.joins).toBe(8)
    expect(server.log).toHaveLength(before)
  })
})

describe('the server refuses', () => {
  test('with storage: what was typed is sent again', async () => {
    await together()
    server.refusals.push({ error: 'storage', message: 'the disk is full' })
    ana.type('kept')
    await pass(15)
    expect(ana.provider.refusal?.error).toBe('storage')
    await pass(3000)
    expect(ben.reads).toBe('kept')
    expect(ana.provider.refusal).toBeNull()
  })

  test('with rate: it waits as long as it is told', async () => {
    await together()
    server.refusals.push({ error: 'rate', message: 'too fast', retry_after: 2 })
    ana.type('patience')
    await pass(1900)
    expect(ben.reads).toBe('')
    await pass(500)
    expect(ben.reads).toBe('patience')
  })

  test('with malformed: nothing more is sent until a retry, and what others write still comes', async () => {
    await together()
    server.refusals.push({ error: 'malformed', message: 'expected an update' })
    ana.type('precious')
    await pass(300)
    expect(ana.provider.refusal?.error).toBe('malformed')
    ben.type('hello')
    await pass(300)
    expect(ana.reads).toContain('hello')
    expect(ana.provider.outbox.length).toBe(8)
    ana.provider.retry()
    await pass(1000)
    expect(ben.reads).toBe(ana.reads)
    expect(ana.provider.refusal).toBeNull()
  })

  test('with resync: it joins again and all is there', async () => {
    await together()
    server.refusals.push({ error: 'resync', message: 'does not continue' })
    ana.type('again')
    await pass(2000)
    expect(ben.reads).toBe('again')
  })

  test('because only reading is allowed now, until it is allowed again', async () => {
    await together()
    ana.visitor.role = 'viewer'
    server.expel({ error: 'access', message: 'access changed' })
    ana.type('too late')
    await pass(2000)
    expect(ana.provider.joined?.role).toBe('viewer')
    expect(ana.provider.refusal?.error).toBe('denied')
    expect(ben.reads).toBe('')
    ana.visitor.role = 'editor'
    server.expel({ error: 'access', message: 'access changed' })
    await pass(2000)
    expect(ben.reads).toBe('too late')
    expect(ana.provider.refusal).toBeNull()
  })

  test('because nobody is signed in: it asks once more, for they may be just signing in, and then says so', async () => {
    await together()
    const joins = server.joins
    server.expel({ error: 'sign-in', message: 'the session has ended' })
    await pass(2000)
    expect(ana.provider.out).toBeNull()
    expect(server.joins).toBe(joins + 2)
    server.expel({ error: 'sign-in', message: 'the session has ended' })
    server.closedTo = { error: 'sign-in', message: 'sign in to open this note' }
    ana.type('kept')
    await pass(2000)
    expect(ana.provider.out?.error).toBe('sign-in')
    expect(ana.provider.outbox.length).toBeGreaterThan(0)
  })

  test('because the history was rewritten: nothing of the old one is sent', async () => {
    await together()
    server.cut()
    ana.type('old')
    server.doc = new Y.Doc()
    server.epoch = 'second'
    await pass(5000)
    expect(ana.provider.out?.error).toBe('epoch')
    expect(server.doc.getText('title').toString()).toBe('')
    const joins = server.joins
    await pass(60_000)
    expect(server.joins).toBe(joins)
  })
})

test('to try again while the door opens is no reason to stay out', async () => {
  await together(() => 50)
  server.cut(ana.visitor)
  ana.provider.retry()
  await pass(60)
  ana.provider.retry()
  await pass(2000)
  expect([ana.provider.out, ana.provider.joined?.role]).toEqual([null, 'editor'])
})

test('a moment out of the document is not a lost connection', async () => {
  await together()
  await pass(60_000)
  server.expel({ error: 'moved', message: 'the document was loaded again' })
  await pass(6)
  expect(ana.provider.joined).toBeNull()
  expect(performance.now() - ana.provider.lostAt).toBeLessThan(10)
  await pass(1000)
  expect(ana.provider.joined).not.toBeNull()
})

test('a server that is about to stop is left alone for as long as it asks', async () => {
  await together()
  server.drain(4)
  await pass(3900)
  expect(server.joins).toBe(2)
  ana.type('back')
  await pass(5000)
  expect(server.joins).toBe(4)
  expect(ben.reads).toBe('back')
})

test('somebody sets the clock of the device back: a page that was sent away comes back all the same', async () => {
  await together()
  server.drain(4)
  await pass(100)
  server.down = true
  vi.setSystemTime(Date.now() - 10 * 86_400_000)
  ana.type('back')
  await pass(10_000)
  server.down = false
  await pass(20_000)
  expect(ben.reads).toBe('back')
  expect(ana.provider.outbox.length).toBe(0)
})

test('a paste of three megabytes arrives in pieces', async () => {
  await together()
  ana.text.insert(0, 'ä'.repeat(1_500_000))
  await pass(5000)
  expect(ben.reads.length).toBe(1_500_000)
  expect(server.log.length).toBeGreaterThan(4)
  expect(Math.max(...server.log.map(({ update }) => update.length))).toBeLessThanOrEqual(1024 * 1024)
})

test('what an earlier page left is sent, and the doc makes up for what the device lost', async () => {
  await together()
  const before = new Y.Doc()
  before.getText('title').insert(0, 'from an earlier page')
  Y.applyUpdate(ana.doc, Y.encodeStateAsUpdate(before), ana.shelf)
  expect(ana.provider.outbox.length).toBe(0)
  server.cut()
  await pass(3000)
  expect(ben.reads).toBe('from an earlier page')
})

test(`people who write, delete and lose the network end with the same text (seed ${seed})`, async () => {
  for (let round = 0; round < 8; round++) {
    const roll = dice(seed + round)
    server = new Server(() => roll(60))
    const people = ['Ana', 'Ben', 'Chidi'].map((name, at) => new Person(server, name, at + 1))
    for (const { provider } of people) provider.connect()
    await pass(1000)
    const typed: string[] = []
    for (let n = 0; n < 250; n++) {
      const person = people[roll(3)] as Person
      const { text } = person
      const kind = roll(12)
      if (kind < 8) {
        const word = `<${round}.${n}>`
        typed.push(word)
        text.insert(roll(text.length + 1), word)
      } else if (kind < 9 && text.length) text.delete(roll(text.length), 1 + roll(3))
      else if (kind === 10) server.cut()
      else if (kind === 11) server.refusals.push({ error: ['storage', 'resync', 'rate'][roll(3)] as string, message: 'random', retry_after: 0.2 })
      server.down = roll(20) === 0 ? !server.down : server.down
      await pass(roll(80))
    }
    server.down = false
    server.refusals = []
    await pass(90_000)
    const [first] = people
    for (const { reads, provider } of people) {
      expect(reads).toBe(server.doc.getText('title').toString())
      expect(provider.outbox.length).toBe(0)
    }
    const replay = new Y.Doc()
    for (const { update } of server.log) Y.applyUpdate(replay, update)
    expect(replay.getText('title').toString()).toBe(first?.reads)
    for (const { provider } of people) provider.destroy()
  }
})
