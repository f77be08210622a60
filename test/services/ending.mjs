// An ordinary service that ends in the way it is asked to. Knows nothing of any mesh.
import { createServer } from 'node:http';

const held = [];
const routes = {
  '/hold': (response) => {
    held.push(response);
    process.send({ holding: true });
  },
  '/exit': (response) => response.end('bye', () => setImmediate(() => process.exit(3))),
  '/throw': (response) =>
    response.end('bye', () =>
      setImmediate(() => {
        throw new Error('boom');
      }),
    ),
  '/reject': (response) => response.end('bye', () => void Promise.reject(new Error('boom'))),
};
const server = createServer((request, response) => {
  const route = routes[request.url] ?? ((other) => other.end('here'));
  route(response);
});
process.on('message', () => {
  for (const response of held.splice(0)) response.end('finished');
});
process.channel.unref();
if (process.env.OWN_HANDLER === 'exit') {
  process.once('SIGTERM', () => process.exit(7));
} else if (process.env.OWN_HANDLER !== undefined) {
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close(() => (process.exitCode = 7)));
}
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
