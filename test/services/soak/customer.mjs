// Customers who go on asking, each one thing after the other. Told their flows, they report what came of every request:
// [flow, began, ended, outcome], times in Unix milliseconds; "began" is until when they had heard of what goes on. They know nothing
// of any mesh, unless told to use a proxy.
import http from 'node:http';
import { connect } from 'node:net';

const PATIENCE_MS = 20_000;
const REPORT_MS = 250;
const HEAR_MS = 20;
const EXCHANGES = 4;
const EXCHANGE_MS = 150;
const ORDER = Buffer.alloc(2048, 'o');
const EVERY_ORDER = 3;
const EVERY_LARGE = 20;
const LARGE = 256 * 1024;
const SMALL = 512;

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/**
 * Until when this process has heard of everything that happened to its connections. On a busy machine a request may begin before what
 * came in the meantime is read: Node looks at its timers first.
 */
let heardUntil = Date.now();
setInterval(() => setImmediate(() => (heardUntil = Date.now())), HEAR_MS).unref();
let outcomes = [];
let asked = 0;
const control = { stopped: false };

function ask({ url, proxy }) {
  return new Promise((resolve) => {
    asked += 1;
    const token = `${process.pid}-${asked}`;
    const size = asked % EVERY_LARGE === 0 ? LARGE : SMALL;
    const isOrder = asked % EVERY_ORDER === 0;
    const target = new URL(`/api/${isOrder ? 'orders' : 'items'}?size=${size}`, url);
    const way =
      proxy === undefined
        ? { host: target.hostname, path: target.pathname + target.search }
        : { host: '127.0.0.1', port: proxy, path: target.href };
    const headers = { host: target.host, 'x-token': token, ...(isOrder ? { 'content-length': ORDER.length } : {}) };
    const request = http.request({ ...way, agent, headers, method: isOrder ? 'POST' : 'GET' }, (response) => {
      let [bytes, text] = [0, ''];
      response.on('data', (chunk) => {
        bytes += chunk.length;
        if (text.length < 200 && response.statusCode !== 200) text += chunk;
      });
      response.on('end', () => {
        const { statusCode, headers: got } = response;
        if (statusCode !== 200) return resolve(statusCode === 403 ? 'denied' : `${statusCode} ${text.trim()}`);
        const isRight =
          bytes === size && got['x-token'] === token && Number(got['x-received']) === (isOrder ? ORDER.length : 0);
        return resolve(
          isRight ? 'passed' : `200 with a wrong answer: ${bytes} of ${size} bytes, ${got['x-token']} for ${token}`,
        );
      });
      response.on('error', (error) => resolve(`${error.code ?? ''} ${error.message} in the answer`));
    });
    request.setTimeout(PATIENCE_MS, () => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    request.on('error', (error) => resolve(`${error.code ?? ''} ${error.message}`));
    request.end(isOrder ? ORDER : undefined);
  });
}

/** A conversation over TCP: greeted, then a few words there and back. */
function converse({ host, port, proxy }) {
  return new Promise((resolve) => {
    const socket = proxy === undefined ? connect(port, host) : connect(proxy, '127.0.0.1');
    let heard = '';
    let isThrough = proxy === undefined;
    let said = 0;
    let reason = '';
    const finish = (outcome) => {
      socket.destroy();
      resolve(outcome);
    };
    const next = () => {
      const expected = `220 ready\n${Array.from({ length: said }, (_, index) => `WORD ${index}\n`).join('')}`;
      if (heard.length < expected.length) return;
      if (heard !== expected) finish(`heard ${JSON.stringify(heard)}`);
      else if (said === EXCHANGES) finish('passed');
      else
        setTimeout(() => {
          socket.write(`word ${said}\n`);
          said += 1;
        }, EXCHANGE_MS);
    };
    if (proxy !== undefined) socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
    socket.setTimeout(PATIENCE_MS, () => finish(`silence for ${PATIENCE_MS} ms`));
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (!isThrough) {
        const end = heard.indexOf('\r\n\r\n');
        if (end === -1) return;
        const status = heard.slice(0, end).split('\r\n', 1)[0];
        if (!status.includes(' 200'))
          return finish(status.includes(' 403') ? 'denied' : `${status} ${heard.slice(end).trim()}`);
        heard = heard.slice(end + 4);
        isThrough = true;
      }
      if (heard !== '') next();
    });
    socket.on('error', (error) => (reason = `${error.code ?? ''} ${error.message}`));
    // What policy denies is closed before a word is said; an error without a connection is another matter.
    socket.on('close', () => {
      if (heard !== '') return resolve(`cut after ${said} words: ${reason}`);
      const isClosed = reason === '' || reason.startsWith('ECONNRESET') || reason.startsWith('EPIPE');
      return resolve(isClosed ? 'closed' : reason);
    });
  });
}

async function customer(flow, index) {
  await pause(Math.random() * flow.pauseMs);
  while (!control.stopped) {
    const began = heardUntil;
    const outcome = await (flow.host === undefined ? ask(flow) : converse(flow));
    outcomes.push([index, began, Date.now(), outcome]);
    await pause(flow.pauseMs * (0.5 + Math.random()));
  }
}

function report(rest) {
  if (process.connected) process.send({ outcomes, ...rest });
  outcomes = [];
}

process.on('message', ({ flows }) => {
  if (flows === undefined) {
    control.stopped = true;
    return;
  }
  const customers = flows.flatMap((flow, index) => Array.from({ length: flow.customers }, () => customer(flow, index)));
  const reports = setInterval(report, REPORT_MS);
  void Promise.all(customers).then(() => {
    clearInterval(reports);
    report({ done: true });
    process.disconnect();
  });
});
process.send({});
