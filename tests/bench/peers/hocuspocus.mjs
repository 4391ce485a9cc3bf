// Hocuspocus as its manual has it. Usage: node hocuspocus.mjs PORT [DATABASE], with its SQLite extension if there is one
import { SQLite } from '@hocuspocus/extension-sqlite'
import { Server } from '@hocuspocus/server'

const [port, database] = process.argv.slice(2)
const extensions = database ? [new SQLite({ database })] : []
await new Server({ port: Number(port), address: '127.0.0.1', quiet: true, extensions }).listen()
