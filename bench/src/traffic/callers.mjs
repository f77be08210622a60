// Callers that come whatever happens, at moments that are the same for the same seed: what waits is measured from when it came.
import http from 'node:http';

const agent = new http.Agent({ keepAlive: true });

/** Uniform numbers, the same for the same seed (mulberry32). */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function run({ port, host, perSecond, milliseconds, seed }) {
  const random = dice(seed);
  const latencies = [];
  const failures = { count: 0, first: '' };
  const failed = (reason) => {
    failures.count += 1;
    failures.first ||= reason;
  };
  const call = (cameAt) =>
    new Promise((resolve) => {
      const request = http.request({ port, host: '127.0.0.1', agent, headers: { host } }, (response) => {
        response.resume().once('end', () => {
          if (response.statusCode === 200) latencies.push(performance.now() - cameAt);
          else failed(`status ${response.statusCode}`);
          resolve();
        });
      });
      request.once('error', (error) => {
        failed(String(error));
        resolve();
      });
      request.end();
    });
  const started = performance.now();
  const calls = [];
  for (let next = started; next < started + milliseconds;) {
    const now = performance.now();
    for (; next <= now; next += (-Math.log(1 - random()) * 1000) / perSecond) calls.push(call(next));
    await new Promise((resolve) => {
      setTimeout(resolve, Math.max(0, next - performance.now()));
    });
  }
  await Promise.all(calls);
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
