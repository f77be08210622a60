import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

// Knows nothing of the mesh: WebSocket by a library, and an upgrade to a protocol without a name.
const server = createServer();
const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  if (request.headers.upgrade === 'echo') {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n');
    socket.pipe(socket);
    return;
  }
  sockets.handleUpgrade(request, socket, head, (accepted) => {
    accepted.on('message', (data, isBinary) => accepted.send(data, { binary: isBinary }));
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
