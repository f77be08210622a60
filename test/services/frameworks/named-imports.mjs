import * as http from 'node:http';
import { createServer, Server } from 'node:http';
import { answer } from './plain-answer.cjs';

const server = createServer(answer);
if (!(server instanceof Server) || !(server instanceof http.Server)) throw new Error('a server that is none');
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
