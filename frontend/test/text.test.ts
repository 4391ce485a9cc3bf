// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { makeEditor, undoManager } from '../src/editor'
import { bringsNothing, textOf } from '../src/text'

function written(html: string): Y.Doc {
  const doc = new Y.Doc()
  const editor = makeEditor(document.createElement('div'), { doc, awareness: new Awareness(doc), undo: undoManager(doc), editable: true })
  editor.commands.setContent(html)
  editor.destroy()
  return doc
}

test('a note is copied as plain text that can be read without the editor', () => {
  const doc = written(`
    <h2>Dates</h2><p>We <strong>ship</strong> in <em>April</em>.<br>Or later.</p>
    <ul><li><p>one</p><ul><li><p>inner</p></li></ul></li><li><p>two</p></li></ul>
    <ol><li><p>first</p></li><li><p>second</p></li></ol>
    <ul data-type="taskList"><li data-type="taskItem" data-checked="true"><p>done</p></li><li data-type="taskItem" data-checked="false"><p>open</p></li></ul>
    <blockquote><p>said</p><p>twice</p></blockquote><pre><code>if x:\n  y</code></pre><hr>
    <table><tbody><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>`)
  doc.getText('title').insert(0, 'Plan')
  expect(textOf(doc)).toBe(
    [
      'Plan', 'Dates', 'We ship in April.\nOr later.', '- one\n  - inner\n- two', '1. first\n2. second', '[x] done\n[ ] open',
      'said\ntwice', 'if x:\n  y', '---', 'a\tb\n1\t2',
    ].join('\n\n'),
  )
})

test('a note without words is nothing', () => {
  expect(textOf(new Y.Doc())).toBe('')
})

test('a copy brings something when one edit of it is not in the note, be it a deletion', () => {
  const note = written('<p>all of it</p>')
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(note))
  expect(bringsNothing(note, [Y.encodeStateAsUpdate(copy)])).toBe(true)
  expect(bringsNothing(note, [])).toBe(true)
  expect(bringsNothing(new Y.Doc(), [Y.encodeStateAsUpdate(copy)])).toBe(false)
  const before = Y.encodeStateAsUpdate(note)
  note.getText('title').insert(0, 'more here')
  expect(bringsNothing(note, [before])).toBe(true)
  copy.getXmlFragment('body').delete(0, 1)
  expect(bringsNothing(note, [Y.encodeStateAsUpdate(copy)])).toBe(false)
  expect(textOf(note)).toContain('all of it')
})
