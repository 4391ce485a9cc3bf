import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('dark is the same whether the system or the person asked for it', () => {
  const css = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8')
  const colours = (from: string) => {
    const block = css.slice(css.indexOf('{', css.indexOf(from)) + 1)
    return block.slice(0, block.indexOf('}')).match(/--[\w-]+:[^;]+;/g)
  }
  expect(colours('[data-theme="dark"] {')?.length).toBeGreaterThan(50)
  expect(colours('[data-theme="dark"] {')).toEqual(colours(':root:not([data-theme="light"]) {'))
})
