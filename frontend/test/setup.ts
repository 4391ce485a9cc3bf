// IndexedDB for Node: every test makes databases of its own.
import 'fake-indexeddb/auto'
