// The man in the middle, a process of its own: it ends TLS with a certificate that its victim trusts, as inspecting proxies do,
// passes every call on to the registry, and puts its own address into the answers. Its first line on standard input is a
// MiddleTask; it prints one MiddleLine a line.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createSecureServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { contentDigest } from '@rampart/spiffe/http-signature';
import { forgeIdentity } from '../intruder/forgery.ts';
import { POISON } from './attempt.ts';
import type { MiddleLine, MiddleTask } from './attempt.ts';

const HOST = '127.0.0.1';
const REGISTRY = 'spiffe://cluster.local/ns/istio-system/sa/rampart-server';

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
const [line] = (await once(input, 'line')) as [string];
const { registry, caFile } = JSON.parse(line) as MiddleTask;
const ca = readFileSync(caFile, 'utf8');

// oxlint-disable-next-line no-restricted-properties -- the man in the middle is the outside world
const forged = await forgeIdentity(REGISTRY, Date.now(), HOST);
const server = createSecureServer({ key: forged.key, cert: forged.chain, minVersion: 'TLSv1.3' });
server.on('stream', (stream, headers) => {
  relay(stream, headers).catch((error: unknown) => stream.destroy(error instanceof Error ? error : undefined));
});
server.listen(0, HOST);
await once(server, 'listening');
say({ kind: 'open', address: `https://${HOST}:${(server.address() as AddressInfo).port}`, ca: forged.root });

async function relay(stream: ServerHttp2Stream, asked: IncomingHttpHeaders): Promise<void> {
  stream.on('error', () => undefined);
  const session = connect(registry, { ca });
  try {
    const { headers, content } = await ask(session, asked, await buffer(stream));
    const poisoned = poison(content);
    if (!poisoned.equals(content)) say({ kind: 'changed', was: HOST, is: POISON });
    // What lies about the content can lie about its digest as well.
    const digest = 'content-digest' in headers ? { 'content-digest': contentDigest(poisoned) } : {};
    stream.respond({ ...headers, ...digest });
    stream.end(poisoned);
  } finally {
    session.close();
  }
}

async function ask(
  session: ClientHttp2Session,
  { 'accept-encoding': _, ...headers }: IncomingHttpHeaders,
  content: Buffer,
): Promise<{ readonly headers: IncomingHttpHeaders; readonly content: Buffer }> {
  const request = session.request(headers);
  request.end(content);
  const [answered] = (await once(request, 'response')) as [IncomingHttpHeaders];
  return { headers: answered, content: await buffer(request) };
}

/** Both addresses are as long as each other, so nothing else of the message moves. */
function poison(content: Buffer): Buffer {
  return Buffer.from(content.toString('latin1').replaceAll(HOST, POISON), 'latin1');
}

function say(said: MiddleLine): void {
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
