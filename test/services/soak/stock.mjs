// An ordinary HTTP service. Knows nothing of any mesh.
import { createServer } from 'node:http';
import { answer } from './answer.mjs';

const server = createServer(answer);
// Longer than any customer pauses: otherwise a request may meet a connection that is just being closed, mesh or not.
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
