// Renders a note that uses everything in the editor's schema with the real Tiptap, for test_content.py to compare with.
// Record it again after a change of the schema: node tests/editor/tiptap.mjs > tests/editor/tiptap.json
import { createRequire } from 'node:module'

const frontend = createRequire(new URL('../../frontend/package.json', import.meta.url))
const { Window } = await import(frontend.resolve('happy-dom'))
const window = new Window()
Object.assign(globalThis, { window, document: window.document })
const { getSchema, getHTMLFromFragment } = frontend('@tiptap/core')
const { StarterKit } = frontend('@tiptap/starter-kit')
const { TaskList, TaskItem } = frontend('@tiptap/extension-list')
const { TableKit } = frontend('@tiptap/extension-table')
const { Highlight } = frontend('@tiptap/extension-highlight')
const { prosemirrorToYXmlFragment } = frontend('@tiptap/y-tiptap')
const { Node } = frontend('@tiptap/pm/model')
const Y = frontend('yjs')

const schema = getSchema([
  StarterKit.configure({ undoRedo: false, heading: { levels: [1, 2, 3] } }),
  Highlight, TaskList, TaskItem.configure({ nested: true }), TableKit,
])
const text = (words, ...marks) =>
  ({ type: 'text', text: words, marks: marks.map((mark) => (typeof mark === 'string' ? { type: mark } : mark)) })
const node = (type, attrs, ...content) => ({ type, attrs, content })
const p = (...content) => node('paragraph', {}, ...content)
const item = (...content) => node('listItem', {}, ...content)
const link = { type: 'link', attrs: { href: 'https://example.org/?a=1&b=2' } }
const note = Node.fromJSON(schema, node('doc', {},
  node('heading', { level: 1 }, text('One & <two>')),
  node('heading', { level: 3 }, text('Three')),
  p(text('plain '), text('bold', 'bold'), text('both', 'bold', 'italic'), text('it', 'italic'), text(' '), text('c', 'code'),
    text('s', 'strike'), text('u', 'underline'), text('h', 'highlight'),
    text('all', 'bold', 'italic', 'strike', 'underline', 'highlight')),
  p(text('a '), text('link', link), text(' bold link', link, 'bold'), node('hardBreak'), text('next "quoted" é 😀')),
  p(),
  node('bulletList', {}, item(p(text('x')), node('orderedList', { start: 3 }, item(p(text('y')))))),
  node('taskList', {},
    node('taskItem', { checked: true }, p(text('done'))),
    node('taskItem', { checked: false }, p(text('open')))),
  node('blockquote', {}, p(text('q'))),
  node('codeBlock', { language: 'python' }, text('a = 1 < 2\n\nb')),
  node('codeBlock', {}, text('plain')),
  node('horizontalRule'),
  node('table', {},
    node('tableRow', {}, node('tableHeader', {}, p(text('h'))), node('tableHeader', {}, p())),
    node('tableRow', {}, node('tableCell', { colspan: 2 }, p(text('c'))))),
))
note.check()
const doc = new Y.Doc()
prosemirrorToYXmlFragment(note, doc.getXmlFragment('body'))
console.log(JSON.stringify({
  update: Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64'),
  html: getHTMLFromFragment(note.content, schema),
}, null, 2))
