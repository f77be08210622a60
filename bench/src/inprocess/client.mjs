// The caller of the benchmark: one undici pool, as many requests in flight as connections.
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

const [mode = 'http', pki = ''] = process.argv.slice(2);
const tls =
  mode === 'https'
    ? {
        connect: {
          key: readFileSync(`${pki}/client.key`),
          cert: readFileSync(`${pki}/client.crt`),
          ca: readFileSync(`${pki}/ca.crt`),
          servername: 'localhost',
        },
      }
    : {};
const pools = new Map();

async function run({ url, connections, milliseconds }) {
  const key = `${url} ${connections}`;
  const pool = pools.get(key) ?? new Pool(url, { connections, pipelining: 1, keepAliveTimeout: 60_000, ...tls });
  pools.set(key, pool);
  const latencies = [];
  const failures = { count: 0, first: '' };
  const started = performance.now();
  const end = started + milliseconds;
  const worker = async () => {
    for (let at = performance.now(); at < end;) {
      try {
        const { statusCode, body } = await pool.request({ path: '/api/orders/1', method: 'GET' });
        await body.text();
        if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      } catch (error) {
        failures.count += 1;
        failures.first ||= String(error);
        if (failures.count > 100) return;
      }
      const now = performance.now();
      latencies.push(now - at);
      at = now;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return { requests: latencies.length, seconds, p50: at(0.5), p99: at(0.99), failures };
}

process.on('message', (message) => {
  run(message).then(
    (result) => process.send(result),
    (error) => process.send({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
