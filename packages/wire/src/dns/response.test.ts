import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressBytes, addressText } from './address-bytes.ts';
import { RCODE } from './codes.ts';
import { parseQuery, type Question } from './query.ts';
import type { DnsRecord } from './record.ts';
import { encodeResponse, encodeTruncated, type Envelope, refusal } from './response.ts';

const PACKET = Buffer.from(
  '1234010000010000000000010357656207736572766963650 6636f6e73756c000021000100002910000000000000 00'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);

function question(): Question {
  const parsed = parseQuery(PACKET);
  assert.equal(parsed.kind, 'query');
  return parsed.query.question;
}

const envelope = (limit: number): Envelope => ({
  id: 0x1234,
  recursionDesired: true,
  recursionAvailable: false,
  question: question(),
  edns: { udpSize: 4096 },
  limit,
});

const srv = (index: number): DnsRecord => ({
  owner: undefined,
  ttl: 0,
  data: { type: 'SRV', priority: 1, weight: 1, port: 8000 + index, target: '0a000001.addr.dc1.consul' },
});

describe('DNS responses', () => {
  it('say what fits and that there is more', () => {
    const answers = Array.from({ length: 40 }, (_, index) => srv(index));
    const bytes = encodeResponse(envelope(512), { ...refusal(RCODE.NOERROR), answers });
    const view = Buffer.from(bytes);
    assert.ok(bytes.length <= 512);
    assert.equal(view.readUInt16BE(2) & 0x0200, 0x0200);
    const sent = view.readUInt16BE(6);
    assert.ok(sent > 5 && sent < 40, `${sent} records`);
    assert.equal(view.readUInt16BE(10), 1);
  });

  it('leave out what only helps without a word', () => {
    const additionals = Array.from({ length: 40 }, (_, index) => srv(index));
    const bytes = Buffer.from(
      encodeResponse(envelope(512), { ...refusal(RCODE.NOERROR), answers: [srv(0)], additionals }),
    );
    assert.equal(bytes.readUInt16BE(2) & 0x0200, 0);
    assert.ok(bytes.length <= 512);
  });

  it('that send to TCP are no longer than the question', () => {
    assert.ok(encodeTruncated(envelope(512)).length <= PACKET.length);
  });

  it('show the name in the case it was asked in', () => {
    const bytes = Buffer.from(encodeResponse(envelope(512), refusal(RCODE.NXDOMAIN)));
    assert.ok(bytes.includes('Web'));
    assert.equal(bytes.readUInt16BE(2) & 0xf, RCODE.NXDOMAIN);
  });
});

describe('addresses as bytes', () => {
  const cases = [
    ['10.0.0.1', '10.0.0.1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['fd00::', 'fd00:0:0:0:0:0:0:0'],
    ['2001:DB8::a:1', '2001:db8:0:0:0:0:a:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['::ffff:10.0.0.1', '0:0:0:0:0:ffff:a00:1'],
    ['fe80::1%eth0', undefined],
    ['web.example', undefined],
  ] as const;
  for (const [given, expected] of cases) {
    it(given, () => {
      const bytes = addressBytes(given);
      assert.equal(bytes === undefined ? undefined : addressText(bytes), expected);
    });
  }
});
