// Ten instances of a service in one process: each has room for some requests at a time, and the first takes ten times as long.
import http from 'node:http';

const [count = '10', quick = '30', times = '10'] = process.argv.slice(2);
/** Requests that an instance works on at a time. */
const ROOM = 16;
const ports = [];

for (let index = 0; index < Number(count); index += 1) {
  const usual = Number(quick) * (index === 0 ? Number(times) : 1);
  const freeAt = Array.from({ length: ROOM }, () => 0);
  const server = http.createServer((request, response) => {
    const now = performance.now();
    const next = freeAt.indexOf(Math.min(...freeAt));
    freeAt[next] = Math.max(now, freeAt[next]) + usual * (0.5 + Math.random());
    setTimeout(() => response.end('done'), freeAt[next] - now);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ports.push(server.address().port);
}
process.on('disconnect', () => process.exit(0));
process.send({ ports });
