// An ordinary HTTP service. Knows nothing of any mesh.
import { createServer } from 'node:http';
import { answer } from './answer.mjs';

const server = createServer(answer);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
