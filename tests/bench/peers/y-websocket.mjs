// @y/websocket-server as it is: the program that it installs. Usage: node y-websocket.mjs PORT
process.env.HOST = '127.0.0.1'
process.env.PORT = process.argv[2]
await import('../node_modules/@y/websocket-server/src/server.js')
