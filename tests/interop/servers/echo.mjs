// A WebSocket that sends back what it gets: no MCP.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { WebSocketServer } = createRequire(pathToFileURL(`${process.cwd()}/package.json`))('ws');
new WebSocketServer({ host: '127.0.0.1', port: 0 }).on('connection', (socket) => {
  socket.on('error', () => {}); // one bad frame must not end the process
  socket.on('message', (data, binary) => socket.send(data, { binary }));
});
