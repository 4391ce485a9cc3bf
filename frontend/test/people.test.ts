import { expect, test } from 'vitest'
import { comings, initial, namesOf } from '../src/people'

const [ana, ben, chidi] = [{ id: 1, name: 'Ana' }, { id: 2, name: 'Ben' }, { id: 3, name: 'Chidi' }]

test('names in a sentence', () => {
  expect([namesOf([]), namesOf(['Ana']), namesOf(['Ana', 'Ben']), namesOf(['Ana', 'Ben', 'Chidi'])]).toEqual(
    ['', 'Ana', 'Ana and Ben', 'Ana, Ben and Chidi'],
  )
})

test('the letter of a face is a whole character', () => {
  expect([initial('ana'), initial('  é'), initial('👩‍🚀 Mei'), initial('')]).toEqual(['A', 'É', '👩‍🚀', '?'])
})

test('who came and who went is said once, together', () => {
  expect(comings([ana, ben], [ana, chidi])).toBe('Chidi joined. Ben left.')
  expect(comings([ana], [ana])).toBe('')
})
