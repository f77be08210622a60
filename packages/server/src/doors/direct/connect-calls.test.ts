import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createCsr, generateKeyPair } from '@rampart/spiffe';
import { IdentityService, RegistryService } from '@rampart/wire';
import { TestPlanes } from '../../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, type Credentials } from '../../testing/workload-client.ts';

const { attest: ATTEST, renew: RENEW } = IdentityService.method;
const { find: FIND } = RegistryService.method;
/** What the protocol library alone takes: the same call goes both ways. */
const THROUGH_LIBRARY = { 'connect-timeout-ms': '10800000' };
const LIMIT_BYTES = 64 * 1024;
const LARGE = 100;
const CSR = createCsr(generateKeyPair());

/** A call in the words of a test: what it sends is made anew each time, because evidence counts once. */
interface Call {
  readonly path?: string;
  readonly content: () => Promise<Uint8Array> | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isRenewal?: boolean;
}

interface Answered {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
}

for (const [version, send] of [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const)
  describe(`a call of Connect over ${version} that passes by the protocol library`, () => {
    const planes = new TestPlanes();
    let client: ApiClient;
    let address = '';
    let ca = '';
    let credentials: Credentials;
    const reused: string[] = [];

    before(async () => {
      await planes.open();
      const plane = await planes.start();
      address = plane.addresses.api;
      ca = readFileSync(plane.caFile, 'utf8');
      client = planes.keep(connectAsAdmin(plane));
      ({ credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'holder' }));
      const shared = { namespace: 'default', host: '10.0.0.1', port: 80, permanent: true, service: 'large' };
      await Promise.all(
        Array.from({ length: LARGE }, (_, index) =>
          client.registry.register({
            instance: { ...shared, instanceId: `large-${index}`, metadata: { text: 'x'.repeat(500) } },
          }),
        ),
      );
    });
    after(() => planes.close());

    const joinToken = async (): Promise<string> => {
      const workload = { namespace: 'default', serviceAccount: 'newcomer', service: '', labels: {} };
      return (await client.admin.createJoinToken({ workload })).token;
    };
    const attesting = (value: string, csr: Uint8Array = CSR): Uint8Array =>
      encoded({ evidence: { case: 'joinToken', value }, csr });
    const used = async (): Promise<string> => {
      if (reused.length === 0) {
        const token = await joinToken();
        await client.identity.attest({ evidence: { case: 'joinToken', value: token }, csr: CSR });
        reused.push(token);
      }
      return reused[0] ?? '';
    };
    const adminToken = (): Record<string, string> => ({
      authorization: `Bearer ${readFileSync(planes.latest.adminTokenFile, 'utf8').trim()}`,
    });
    const finding = (): Uint8Array =>
      toBinary(FIND.input, create(FIND.input, { service: 'large', namespace: 'default' }));

    const calls: readonly (readonly [rule: string, call: Call, status: number])[] = [
      ['an attestation', { content: async () => attesting(await joinToken()) }, 200],
      ['a renewal', { path: pathOf(RENEW), content: () => renewing(), isRenewal: true }, 200],
      ['a renewal of nobody', { path: pathOf(RENEW), content: () => renewing() }, 401],
      ['a token that nobody made', { content: () => attesting('nobody made it') }, 401],
      ['a token that was used', { content: async () => attesting(await used()) }, 401],
      ['no certificate request', { content: async () => attesting(await joinToken(), new Uint8Array(3)) }, 400],
      ['no message of the method', { content: () => Buffer.from([0xff, 0xff]) }, 400],
      ['a message that is too long', { content: () => Buffer.alloc(LIMIT_BYTES + 1) }, 429],
      ['no message', { content: () => new Uint8Array() }, 400],
      ['another content', { content: () => new Uint8Array(), headers: { 'content-type': 'text/plain' } }, 415],
      [
        'an encoding that is not there',
        { content: () => new Uint8Array(9), headers: { 'content-encoding': 'br' } },
        501,
      ],
      ['a large answer', { path: pathOf(FIND), content: finding, headers: {} }, 200],
      [
        'a large answer, smaller',
        { path: pathOf(FIND), content: finding, headers: { 'accept-encoding': 'gzip' } },
        200,
      ],
    ];
    for (const [rule, { path = pathOf(ATTEST), content, headers = {}, isRenewal = false }, status] of calls)
      it(`is answered as through it: ${rule}`, async () => {
        const own = isRenewal ? { cert: credentials.certificate, key: credentials.key } : {};
        const answer = async (more: Readonly<Record<string, string>>): Promise<unknown> => {
          const authorized = path === pathOf(FIND) ? adminToken() : {};
          const sent = { 'content-type': 'application/proto', ...authorized, ...headers, ...more };
          const answered = await send({ address, path, ca, ...own }, sent, Buffer.from(await content()));
          assert.equal(answered.status, status);
          return told(path, answered);
        };
        assert.deepEqual(await answer({}), await answer(THROUGH_LIBRARY));
      });
  });

function pathOf({ parent, name }: { readonly parent: { readonly typeName: string }; readonly name: string }): string {
  return `/${parent.typeName}/${name}`;
}

function encoded(message: MessageInitShape<typeof ATTEST.input>): Uint8Array {
  return toBinary(ATTEST.input, create(ATTEST.input, message));
}

function renewing(): Uint8Array {
  return toBinary(RENEW.input, create(RENEW.input, { csr: CSR }));
}

interface Door {
  readonly address: string;
  readonly path: string;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

type Fields = Readonly<Record<string, string>>;

async function overHttp1({ address, path, ...tls }: Door, headers: Fields, content: Buffer): Promise<Answered> {
  const agent = new Agent(tls);
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const request = httpsRequest(new URL(path, address), { method: 'POST', headers, agent }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('error', reject);
    response.once('end', () =>
      resolve({ status: response.statusCode, headers: response.headers, content: Buffer.concat(chunks) }),
    );
  });
  request.once('error', reject);
  request.end(content);
  return promise.finally(() => agent.destroy());
}

async function overHttp2({ address, path, ...tls }: Door, headers: Fields, content: Buffer): Promise<Answered> {
  const session = connect(address, tls);
  try {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    let came: IncomingHttpHeaders = {};
    stream.on('response', (head: IncomingHttpHeaders) => (came = head));
    stream.end(content);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const { ':status': status, ...rest } = came;
    return { status: Number(status), headers: rest, content: Buffer.concat(chunks) };
  } finally {
    session.destroy();
  }
}

/** What an answer says beside the date and what is another one in each certificate. */
function told(path: string, { status, headers, content }: Answered): unknown {
  const { date: _, 'content-length': length, 'content-encoding': encoding, ...rest } = headers;
  const shown = { status, headers: rest, encoding, hasLength: length === String(content.length) };
  if (status !== 200) return { ...shown, content: content.toString() };
  const bytes = encoding === 'gzip' ? gunzipSync(content) : content;
  if (path === pathOf(FIND)) return { ...shown, answer: fromBinary(FIND.output, bytes) };
  const { spiffeId, chain, workload, bundle } = fromBinary(ATTEST.output, bytes);
  return { ...shown, spiffeId, certificates: chain.length, workload, bundle };
}
