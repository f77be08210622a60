// The service of the benchmark: plain node:http, or node:https with client certificates written by hand.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [mode = 'http', pki = ''] = process.argv.slice(2);
const body = JSON.stringify({ id: 'o-1', item: 'lamp', state: 'new' });
const answer = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
};
const allowed = 'spiffe://cluster.local/ns/default/sa/users-api';

/** What a careful team would write by hand: verified chain, one identity, judged once per connection. */
function judged(request, response) {
  const { socket } = request;
  socket.allowed ??= socket.getPeerCertificate().subjectaltname?.includes(`URI:${allowed}`) === true;
  if (socket.allowed) answer(request, response);
  else response.writeHead(403).end();
}

const server =
  mode === 'https'
    ? https.createServer(
        {
          key: readFileSync(`${pki}/server.key`),
          cert: readFileSync(`${pki}/server.crt`),
          ca: readFileSync(`${pki}/ca.crt`),
          requestCert: true,
          rejectUnauthorized: true,
          minVersion: 'TLSv1.3',
        },
        judged,
      )
    : http.createServer(answer);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('message', (message) => {
  if (message === 'gc') globalThis.gc?.();
  process.send({ rss: process.memoryUsage().rss });
});
process.on('disconnect', () => process.exit(0));
