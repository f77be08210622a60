// Every way in which an ordinary program calls over HTTP.
import * as http from 'node:http';
import https, { request as httpsRequest } from 'node:https';
import { get, request } from 'node:http';
import * as undici from 'undici';
import { clients as required } from './clients.cjs';

const keepAlive = new http.Agent({ keepAlive: true });
class OwnAgent extends http.Agent {
  createConnection(...args) {
    this.used = true;
    return super.createConnection(...args);
  }
}
const own = new OwnAgent({ keepAlive: true, maxSockets: 1 });
const pools = new Map();
const poolOf = (origin) => pools.get(origin) ?? pools.set(origin, new undici.Pool(origin)).get(origin);

const via =
  (options, start = request) =>
  (url) =>
    new Promise((resolve, reject) => {
      const sent = start(url, options, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      sent.on('error', reject);
      sent.end();
    });
const viaParts = (url) => {
  const { hostname, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    get({ hostname, path: pathname, headers: { accept: 'application/json' } }, (response) => {
      response.setEncoding('utf8').on('data', (body) => resolve({ status: response.statusCode, body }));
    }).on('error', reject);
  });
};
const ofUndici = async ({ statusCode, body }) => ({ status: statusCode, body: await body.text() });
const ofFetch = async (response) => ({ status: response.status, body: await response.text() });

const clients = {
  ...required,
  'keep-alive agent': via({ agent: keepAlive }),
  'agent: false': via({ agent: false }),
  'default agent': via({}),
  'own agent class': via({ agent: own }),
  'parts instead of a URL': viaParts,
  'headers as an array': (url) => via({ headers: ['host', new URL(url).host, 'accept', 'application/json'] })(url),
  'https.request': (url) => via({}, https.request)(url.replace('http:', 'https:')),
  'named https request': (url) => via({}, httpsRequest)(url.replace('http:', 'https:')),
  fetch: async (url) => ofFetch(await fetch(url)),
  'fetch of a Request': async (url) => ofFetch(await fetch(new Request(url, { headers: { accept: '*/*' } }))),
  'undici.request': async (url) => ofUndici(await undici.request(url)),
  'undici.fetch': async (url) => ofFetch(await undici.fetch(url)),
  'undici Pool': async (url) =>
    ofUndici(await poolOf(new URL(url).origin).request({ path: new URL(url).pathname, method: 'GET' })),
  'undici with a dispatcher of its own': async (url) =>
    ofUndici(await undici.request(url, { dispatcher: new undici.Agent({ connections: 1 }) })),
  'global dispatcher set by the application': async (url) => {
    const before = undici.getGlobalDispatcher();
    undici.setGlobalDispatcher(new undici.Agent({ keepAliveTimeout: 1000 }));
    try {
      return await ofUndici(await undici.request(url));
    } finally {
      undici.setGlobalDispatcher(before);
    }
  },
};

const post = async (url, body) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return ofFetch(response);
};

process.on('message', async ({ client, url, body }) => {
  try {
    process.send(body === undefined ? await clients[client](url) : await post(url, body));
  } catch (error) {
    process.send({ error: error.cause?.message ?? error.message, code: error.cause?.code ?? error.code });
  }
});
process.send({ clients: Object.keys(clients) });
