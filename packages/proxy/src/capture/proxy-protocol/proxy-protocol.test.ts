import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';

import fc from 'fast-check';
import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { startServer, Talker } from '../../testing/servers.ts';
import type { TestServer } from '../../testing/servers.ts';
import { parseProxyHeader } from './proxy-header.ts';
import type { ProxyHeader } from './proxy-header.ts';
import { readProxyHeader } from './read-proxy-header.ts';
import { writeProxyHeaderV1, writeProxyHeaderV2 } from './write-proxy-header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const v2 = (rest: string): Buffer => Buffer.from(SIGNATURE + rest, 'hex');
const ends = (from: string, to: string): ProxyHeader => {
  const at = (text: string): { address: string; port: number } => {
    const colon = text.lastIndexOf(' ');
    return { address: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
  };
  return { ends: { source: at(from), destination: at(to) } };
};

const sound: readonly [rule: string, bytes: Buffer, header: ProxyHeader][] = [
  ['TCP4', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 65535\r\n'), ends('192.0.2.1 1', '192.0.2.2 65535')],
  ['TCP6', Buffer.from('PROXY TCP6 2001:db8::1 ::1 80 443\r\n'), ends('2001:db8::1 80', '::1 443')],
  ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), { ends: undefined }],
  ['UNKNOWN with something behind', Buffer.from('PROXY UNKNOWN ff:: ff:: 1 2\r\n'), { ends: undefined }],
  ['version 2 over IPv4', v2('2111000cc0000201c0000202000a0050'), ends('192.0.2.1 10', '192.0.2.2 80')],
  [
    'version 2 over IPv6 with extensions',
    v2(`21210028${'20010db8000000000000000000000001'.repeat(2)}000a005003000101`),
    ends('2001:db8::1 10', '2001:db8::1 80'),
  ],
  ['LOCAL', v2('20000000'), { ends: undefined }],
  ['LOCAL with addresses', v2('2011000cc0000201c0000202000a0050'), { ends: undefined }],
  ['an unspecified transport', v2('21000000'), { ends: undefined }],
];

const unsound: readonly [rule: string, bytes: Buffer][] = [
  ['no header', Buffer.from('GET / HTTP/1.1\r\n')],
  ['a TLS handshake', Buffer.of(22, 3, 1, 2)],
  ['two spaces', Buffer.from('PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n')],
  ['an address of the other family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['an address with a zone', Buffer.from('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n')],
  ['a port that is none', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n')],
  ['a port with a zero before it', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n')],
  ['too few fields', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n')],
  ['too many fields', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n')],
  ['an unknown family', Buffer.from('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['a line that does not end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`)],
  ['another version of the binary form', v2('3111000cc0000201c0000202000a0050')],
  ['another command', v2('2211000cc0000201c0000202000a0050')],
  ['addresses that are too short', v2('2111000bc0000201c0000202000a00')],
  ['another transport', v2('2112000cc0000201c0000202000a0050')],
  ['a length that nobody means', v2('21110fff'.replace('0fff', 'ffff'))],
];

describe('a header of the PROXY protocol', () => {
  for (const [rule, bytes, value] of sound) {
    it(`${rule}: is read, and not before it is whole`, () => {
      const more = Buffer.concat([bytes, Buffer.from('rest')]);
      assert.deepEqual(parseProxyHeader(more), { kind: 'done', value, length: bytes.length });
      for (let length = 0; length < bytes.length; length += 1) {
        assert.deepEqual(parseProxyHeader(bytes.subarray(0, length)), { kind: 'more' });
      }
    });
  }
  for (const [rule, bytes] of unsound) {
    it(`${rule}: is refused`, () => assert.equal(parseProxyHeader(bytes).kind, 'bad'));
  }

  it('is read as it was written, in both versions', () => {
    const address = fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', '::1', '::'));
    const end = fc.record({ address, port: fc.nat(65_535) }, { noNullPrototype: true });
    fc.assert(
      fc.property(end, end, fc.boolean(), (source, destination, isTold) => {
        const principal = isTold ? 'spiffe://cluster.local/ns/default/sa/users-api' : '';
        for (const write of [writeProxyHeaderV1, writeProxyHeaderV2]) {
          const bytes = Buffer.from(write({ source, destination, principal, tlsVersion: 'TLSv1.3' }));
          const parsed = parseProxyHeader(bytes);
          assert.ok(parsed.kind === 'done' && parsed.length === bytes.length);
          assert.deepEqual(
            [parsed.value.ends?.source.port, parsed.value.ends?.destination.port],
            [source.port, destination.port],
          );
          const isFour = ![source, destination].some((each) => each.address.includes(':'));
          if (isFour) assert.deepEqual(parsed.value.ends, { source, destination });
        }
      }),
    );
  });

  it('tells who the caller is, where the version can', () => {
    const source = { address: '192.0.2.1', port: 1 };
    const header = Buffer.from(
      writeProxyHeaderV2({ source, destination: source, principal: 'spiffe://a/b', tlsVersion: 'TLSv1.3' }),
    );
    const tls = `210007${Buffer.from('TLSv1.3').toString('hex')}22000c${Buffer.from('spiffe://a/b').toString('hex')}`;
    assert.ok(header.toString('hex').endsWith(`20001e0300000000${tls}`), header.toString('hex'));
  });
});

describe('a connection that begins with a PROXY header', () => {
  const clock = new FakeClock();
  let server: TestServer;
  let headers: ProxyHeader[];
  let problems: string[];
  let then: (socket: Socket) => void;

  before(async () => {
    server = await startServer((socket) =>
      readProxyHeader(socket, {
        clock,
        done: (header) => {
          headers.push(header);
          then(socket);
        },
        failed: (reason) => void problems.push(reason),
      }),
    );
  });
  beforeEach(() => {
    [headers, problems, then] = [[], [], (socket) => socket.pipe(socket)];
  });
  after(() => server.close());

  it('goes on without it', async () => {
    const talker = Talker.to(server.port);
    talker.socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhel');
    talker.socket.write('lo');
    await until('the echo', () => talker.heard === 'hello');
    assert.deepEqual(headers, [ends('192.0.2.1 1', '192.0.2.2 2')]);
    talker.socket.destroy();
  });

  it('ends where there is none', async () => {
    const talker = Talker.to(server.port);
    talker.socket.write('GET / HTTP/1.1\r\n\r\n');
    await until('the end', () => talker.hasEnded || talker.isClosed);
    assert.deepEqual(problems, ['PROXY protocol: there is none']);
    talker.socket.destroy();
  });

  it('ends where it does not come in time', async () => {
    const talker = Talker.to(server.port);
    talker.socket.write('PROXY ');
    await until('the bytes', () => server.sockets.at(-1)?.bytesRead === 6);
    await clock.advance(10_000);
    await until('the end', () => talker.hasEnded || talker.isClosed);
    assert.deepEqual(problems, ['PROXY protocol: not within 10000 ms']);
    talker.socket.destroy();
  });
});
