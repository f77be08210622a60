import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { RegistryService } from '@rampart/wire';
import { TestPlanes } from '../../testing/test-plane.ts';
import { connectAsAdmin } from '../../testing/workload-client.ts';

const { input: QUESTION, output: ANSWER } = RegistryService.method.find;
/** What the protocol library alone takes: the same call goes both ways. */
const THROUGH_LIBRARY = { 'grpc-timeout': '3H' };
const LARGE = 100;
const LIMIT_BYTES = 256 * 1024;

function framed(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

function asking(service: string, namespace = 'default'): Uint8Array {
  return toBinary(QUESTION, create(QUESTION, { service, namespace }));
}

describe('a call that passes by the protocol library', () => {
  const planes = new TestPlanes();
  let session: ClientHttp2Session;
  let token = '';

  before(async () => {
    await planes.open();
    const plane = await planes.start();
    token = readFileSync(plane.adminTokenFile, 'utf8').trim();
    session = connect(plane.addresses.api, { ca: readFileSync(plane.caFile) });
    const { registry } = planes.keep(connectAsAdmin(plane));
    const metadata = { text: 'x'.repeat(500) };
    const shared = { namespace: 'default', host: '10.0.0.1', port: 80, permanent: true };
    await registry.register({ instance: { ...shared, instanceId: 'small-1', service: 'small' } });
    await Promise.all(
      Array.from({ length: LARGE }, (_, index) =>
        registry.register({ instance: { ...shared, instanceId: `large-${index}`, service: 'large', metadata } }),
      ),
    );
  });
  after(async () => {
    session.destroy();
    await planes.close();
  });

  const call = async (content: Uint8Array, headers: OutgoingHttpHeaders): Promise<Answered> => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${RegistryService.typeName}/Find`,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: `Bearer ${token}`,
      ...headers,
    });
    const answer: { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders } = { headers: {}, trailers: {} };
    stream.on('response', (came: IncomingHttpHeaders) => (answer.headers = came));
    stream.on('trailers', (came: IncomingHttpHeaders) => (answer.trailers = came));
    stream.end(content);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return answered(answer, Buffer.concat(chunks));
  };

  const small = framed(asking('small'));
  const calls: readonly (readonly [rule: string, content: Uint8Array, headers: OutgoingHttpHeaders, status: string])[] =
    [
      ['what is asked for', small, {}, '0'],
      ['the same in its full name', small, { 'content-type': 'application/grpc+proto' }, '0'],
      ['a name that nobody registered', framed(asking('nobody')), {}, '0'],
      ['a large answer', framed(asking('large')), {}, '0'],
      ['a large answer, made smaller', framed(asking('large')), { 'grpc-accept-encoding': 'identity,gzip' }, '0'],
      [
        'JSON',
        framed(Buffer.from('{"service":"small","namespace":"default"}')),
        { 'content-type': 'application/grpc+json' },
        '0',
      ],
      ['a question without a service', framed(asking('')), {}, '3'],
      ['no message of the method', framed(Buffer.from([0xff, 0xff])), {}, '3'],
      ['a message that ends early', framed(asking('small'), { length: 1000 }), {}, '3'],
      ['no message', Buffer.alloc(0), {}, '12'],
      ['two messages', Buffer.concat([small, small]), {}, '12'],
      ['a message that says it is compressed', framed(asking('small'), { flag: 1 }), {}, '13'],
      ['a message that is too long', framed(Buffer.alloc(LIMIT_BYTES + 1)), {}, '8'],
      ['nobody', small, { authorization: undefined }, '16'],
      ['a wrong token', small, { authorization: 'Bearer wrong' }, '16'],
    ];
  for (const [rule, content, headers, status] of calls)
    it(`is answered as through it: ${rule}`, async () => {
      const direct = await call(content, headers);
      const library = await call(content, { ...headers, ...THROUGH_LIBRARY });
      assert.deepEqual(direct, library);
      assert.equal(direct.trailers['grpc-status'], status);
    });

  it('shows what has changed at once', async () => {
    const { registry } = planes.keep(connectAsAdmin(planes.latest));
    const instance = { namespace: 'default', service: 'small', host: '10.0.0.2', port: 80, permanent: true };
    await registry.register({ instance: { ...instance, instanceId: 'small-2' } });
    assert.deepEqual((await call(small, {})).instances, ['small-1', 'small-2']);
    await registry.drain({ instanceId: 'small-1' });
    await registry.deregister({ instanceId: 'small-2' });
    assert.deepEqual((await call(small, {})).instances, ['small-1']);
  });
});

interface Answered {
  readonly status: unknown;
  readonly type: unknown;
  readonly isCompressed: boolean;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly instances: readonly string[] | undefined;
}

/** What an answer says; the name of an encoding also stands where nothing was encoded. */
function answered(
  { headers, trailers }: { readonly headers: IncomingHttpHeaders; readonly trailers: IncomingHttpHeaders },
  content: Buffer,
): Answered {
  const isCompressed = content[0] === 1;
  const bytes = content.subarray(5);
  const isJson = headers['content-type'] === 'application/grpc+json';
  const message = isCompressed ? gunzipSync(bytes) : bytes;
  return {
    status: headers[':status'],
    type: headers['content-type'],
    isCompressed,
    trailers: { ...trailers },
    instances:
      isJson || content.length === 0
        ? undefined
        : fromBinary(ANSWER, message).instances.map(({ instanceId }) => instanceId),
  };
}
