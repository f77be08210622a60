// An ordinary client, told what to call. Knows nothing of any mesh.
import http from 'node:http';
import { request as undiciRequest } from 'undici';

const keepAlive = new http.Agent({ keepAlive: true, maxSockets: 16 });

function viaHttp({ url, method = 'GET', headers = {}, body, agent = keepAlive }) {
  return new Promise((resolve) => {
    const request = http.request(url, { method, headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }));
      response.on('error', (error) => resolve(failure(error)));
    });
    request.on('error', (error) => resolve(failure(error)));
    request.end(body);
  });
}

async function viaFetch({ url, method, headers, body }) {
  try {
    const response = await fetch(url, { method, headers, body });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    return failure(error.cause ?? error);
  }
}

async function viaUndici({ url, method, headers, body }) {
  try {
    const response = await undiciRequest(url, { method, headers, body });
    return { status: response.statusCode, body: await response.body.text() };
  } catch (error) {
    return failure(error);
  }
}

const failure = (error) => ({ error: error.message, code: error.code });
const clients = { http: viaHttp, fetch: viaFetch, undici: viaUndici };

/** Calls until told to stop, but `least` times, or `count` times; counts what came back. */
const control = { stopped: false };
async function load({ url, count = Infinity, least = 0, concurrency = 8, client = 'http', milliseconds = Infinity }) {
  control.stopped = false;
  const outcomes = {};
  const failures = [];
  let sent = 0;
  const end = Date.now() + milliseconds;
  const worker = async () => {
    while ((!control.stopped || sent < least) && sent < count && Date.now() < end) {
      sent += 1;
      const result = await clients[client]({ url: `${url}?n=${sent}` });
      const key = String(result.status ?? result.code ?? result.error);
      outcomes[key] = (outcomes[key] ?? 0) + 1;
      if (result.status !== 200 && failures.length < 5) failures.push(result);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { sent, outcomes, failures };
}

process.on('message', (message) => {
  if (message.stop) {
    control.stopped = true;
    return;
  }
  const work = message.load ? load(message.load) : clients[message.client ?? 'http'](message);
  work.then((result) => process.send(result));
});
process.send({});
