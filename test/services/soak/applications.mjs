// The applications behind sidecars: one that speaks HTTP, one whose server speaks first and that is no HTTP. Know nothing of any mesh.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { answer } from './answer.mjs';

const mail = createServer((socket) => {
  socket.write('220 ready\n');
  socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()));
  socket.on('error', () => socket.destroy());
});

const orders = createHttpServer(answer);
// Longer than any customer pauses: otherwise a request may meet a connection that is just being closed, mesh or not.
orders.keepAliveTimeout = 60_000;

const ports = {};
for (const [name, server] of Object.entries({ orders, mail })) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ports[name] = server.address().port;
}
process.send(ports);
