import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccessLogRecord } from '@rampart/core';
import fc from 'fast-check';
import { MAX_RECORDS, openRecordBlock, readRecordBlock, type RecordInput, RecordBlockWriter } from './record-block.ts';
import { recordInput } from './record-block.fixture.ts';

function blockOf(inputs: readonly RecordInput[]): Uint8Array {
  const writer = new RecordBlockWriter();
  for (const input of inputs) writer.append(input);
  return writer.finish();
}

/** What a reader must see of `input` when nothing in it is too long. */
function expected(input: RecordInput): AccessLogRecord {
  return {
    timestamp: new Date(Math.floor(input.startedAt)).toISOString(),
    source_principal: input.sourcePrincipal,
    destination_service: input.destinationService,
    request_method: input.method,
    request_path: input.path,
    response_code: input.responseCode,
    response_flags: input.responseFlags,
    authority: input.authority,
    upstream_host: input.upstreamHost,
    duration_ms: Math.floor(input.durationMicros) / 1000,
    bytes_received: input.bytesReceived,
    bytes_sent: input.bytesSent,
    x_forwarded_for: input.forwardedFor,
    user_agent: input.userAgent,
    request_id: input.requestId === '' ? input.traceId : input.requestId,
    authorization_decision: input.decision,
    authorization_policy: input.policy,
    source_workload: input.sourceWorkload,
    destination_principal: input.destinationPrincipal,
    protocol: input.protocol,
    tls_version: input.tlsVersion,
    trace_id: input.traceId,
    span_id: input.spanId,
    parent_span_id: input.parentSpanId,
    reporter: input.reporter,
    jwt_principal: input.jwtPrincipal,
    reason: input.reason,
    policy_revision: input.policyRevision,
    audit_policies: input.auditPolicies,
    dry_run_decision: input.dryRunDecision,
    dry_run_policies: input.dryRunPolicies,
  };
}

function only(records: readonly AccessLogRecord[]): AccessLogRecord {
  assert.equal(records.length, 1);
  const [record] = records;
  assert.ok(record);
  return record;
}

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom('', 'a', '-'),
    fc.string({ unit: 'grapheme', maxLength }),
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength }),
  );
const count = fc.oneof(fc.nat(1000), fc.nat(), fc.maxSafeNat());
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.nat(15).map((digit) => digit.toString(16)), minLength: length, maxLength: length });
const id = (packed: fc.Arbitrary<string>, length: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: packed },
    { weight: 1, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: packed.map((value) => value.toUpperCase()) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: length, maxLength: length }) },
    { weight: 1, arbitrary: text(20) },
  );

const input: fc.Arbitrary<RecordInput> = fc.record({
  startedAt: fc.double({ min: 0, max: 253_402_300_799_999, noNaN: true }),
  durationMicros: count,
  responseCode: fc.integer({ min: 0, max: 999 }),
  bytesReceived: count,
  bytesSent: count,
  policyRevision: count,
  sourcePrincipal: text(20),
  destinationService: text(20),
  method: text(20),
  path: text(200),
  responseFlags: text(10),
  authority: text(20),
  upstreamHost: text(20),
  forwardedFor: text(20),
  userAgent: text(20),
  decision: fc.constantFrom('ALLOW' as const, 'DENY' as const),
  policy: text(20),
  sourceWorkload: text(20),
  destinationPrincipal: text(20),
  protocol: text(10),
  tlsVersion: text(10),
  reporter: fc.constantFrom('source' as const, 'destination' as const),
  jwtPrincipal: text(20),
  reason: text(20),
  auditPolicies: text(20),
  dryRunDecision: fc.constantFrom('ALLOW' as const, 'DENY' as const, '' as const),
  dryRunPolicies: text(20),
  requestId: id(fc.uuid(), 36),
  traceId: id(hex(32), 32),
  spanId: id(hex(16), 16),
  parentSpanId: id(hex(16), 16),
});

describe('a record block', () => {
  it('gives back every record in order', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 12 }), (inputs) => {
        assert.deepEqual(readRecordBlock(blockOf(inputs)), inputs.map(expected));
      }),
    );
  });

  it('says field by field what its records say', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 12 }), (inputs) => {
        const block = openRecordBlock(blockOf(inputs));
        assert.equal(block.count, inputs.length);
        inputs.forEach((each, row) => {
          assert.deepEqual(block.record(row), expected(each));
          assert.equal(block.startedAt(row), Math.floor(each.startedAt));
          assert.equal(block.reporter(row), each.reporter);
          assert.equal(block.destinationService(row), each.destinationService);
          assert.equal(block.decision(row), each.decision);
          assert.equal(block.responseCode(row), each.responseCode);
          assert.equal(block.responseFlags(row), each.responseFlags);
          assert.equal(block.durationMicros(row), Math.floor(each.durationMicros));
          assert.equal(block.tlsVersion(row), each.tlsVersion);
        });
      }),
    );
  });

  it('gives back blocks of any number of records, one writer after the other', () => {
    const writer = new RecordBlockWriter();
    for (const size of [0, 1, 63, 64, 65, 300, 1, MAX_RECORDS]) {
      const inputs = Array.from({ length: size }, (_, i) =>
        recordInput({
          path: `/p/${i}`,
          startedAt: 1_795_000_000_000 - i * 40,
          requestId:
            i % 7 === 0
              ? `gateway-${i}`
              : recordInput().requestId.replace(/^0f8f/, (i & 0xfff).toString(16).padStart(4, '0')),
          traceId: i % 3 === 0 ? '' : recordInput().traceId,
        }),
      );
      for (const one of inputs) writer.append(one);
      assert.equal(writer.count, size);
      assert.deepEqual(readRecordBlock(writer.finish()), inputs.map(expected));
      assert.equal(writer.count, 0);
    }
  });

  const sizes: readonly (readonly [of: string, atMost: number, name: (id: string) => Partial<RecordInput>])[] = [
    ['a usual record', 70, (id) => ({ requestId: `${id.slice(0, 8)}-d9cb-469f-a165-70867728950e` })],
    ['one that is named after its trace', 52, (id) => ({ requestId: id, traceId: id })],
  ];
  for (const [of, atMost, name] of sizes)
    it(`takes at most ${atMost} bytes for ${of}`, () => {
      const inputs = Array.from({ length: 4096 }, (_, i) =>
        recordInput({
          startedAt: 1_795_000_000_000 + i / 16,
          durationMicros: 150 + ((i * 7919) % 4000),
          path: `/api/orders/${(i * 7) % 20}`,
          userAgent: `agent/${i % 5}`,
          bytesSent: 300 + ((i * 31) % 900),
          ...name(`${i.toString(16).padStart(8, '0')}77b34da6a3ce929d0e0e4736`),
        }),
      );
      const block = blockOf(inputs);
      assert.ok(block.length <= atMost * inputs.length, `${block.length / inputs.length} bytes a record`);
      assert.deepEqual(readRecordBlock(block).at(-1), inputs.map(expected).at(-1));
    });

  it('estimates its size well enough to be cut by it', () => {
    const writer = new RecordBlockWriter();
    for (let i = 0; i < 1000; i++) writer.append(recordInput({ path: `/api/orders/${i}`, reason: 'x'.repeat(i) }));
    const estimate = writer.byteEstimate;
    const { length } = writer.finish();
    assert.ok(Math.abs(estimate - length) < length / 10, `estimated ${estimate}, was ${length}`);
    assert.ok(writer.byteEstimate < 1024);
  });

  it('refuses to grow past its limit', () => {
    const writer = new RecordBlockWriter();
    for (let i = 0; i < MAX_RECORDS; i++) writer.append(recordInput());
    assert.throws(() => writer.append(recordInput()), { name: 'RampartError', code: 'INTERNAL' });
    assert.equal(readRecordBlock(writer.finish()).length, MAX_RECORDS);
  });
});

/** What the last versions that knew of no parents wrote into the blocks that are kept here. */
const BEFORE_PARENTS = [{}, { path: '/b', responseCode: 403 }].map((changes) =>
  expected(recordInput({ ...changes, parentSpanId: '' })),
);

describe('a block of version 1', () => {
  // Written by the last version that made them: two records, nothing known of AUDIT and dry-run policies.
  const block = Buffer.from(
    [
      'UlJCAQK5AnNwaWZmZTovL2NsdXN0ZXIubG9jYWwvbnMvd2ViL3NhL2Zyb250ZW5kb3JkZXJzLWFwaS5kZWZhdWx0LnN2Y0dFVC9h',
      'cGkvb3JkZXJzP3BhZ2U9Mi9iLW9yZGVycy1hcGkuZGVmYXVsdC5zdmMuY2x1c3Rlci5sb2NhbDo4MDgwMTI3LjAuMC4xOjQxMjM0',
      'Y3VybC84LjExLjBBTExPV2RlZmF1bHQvb3JkZXJzLWFwaS1hbGxvd29yZGVycy1hcGktN2YzYXNwaWZmZTovL2NsdXN0ZXIubG9j',
      'YWwvbnMvZGVmYXVsdC9zYS9vcmRlcnMtYXBpSFRUUC8xLjFUTFN2MS4zZGVzdGluYXRpb25hbGxvd2VkIGJ5IGRlZmF1bHQvb3Jk',
      'ZXJzLWFwaS1hbGxvdyBydWxlIDAABgAAAPvSseyfNAACAAAA0gkBBAAAAMgBAMsAAQAAAAAAAgAAAIAEAAEAAAAqAAEAAAApAAEA',
      'AAAWAAEAAAADAQUAAAACEgIAAQABAAAAAQABAAAAKQABAAAADwABAAAAAAABAAAACwABAAAABQABAAAAGAABAAAADwABAAAALwAB',
      'AAAACAABAAAABwABAAAACwABAAAAAAABAAAAKgEgAAAAD4+tW9nLRp+hZXCGdyiVDg+PrVvZy0afoWVwhncolQ4BIAAAAEv5LzV3',
      's02mo86SnQ4ORzZL+S81d7NNpqPOkp0ODkc2ARAAAAAA8GeqC6kCtwDwZ6oLqQK3',
    ].join(''),
    'base64',
  );

  it('is still read', () => {
    assert.deepEqual(readRecordBlock(block), BEFORE_PARENTS);
  });
});

describe('a block of version 2', () => {
  // Written by the last version that made them: nothing known of the spans that spans belong to.
  const block = Buffer.from(
    [
      'UlJCAgK5AnNwaWZmZTovL2NsdXN0ZXIubG9jYWwvbnMvd2ViL3NhL2Zyb250ZW5kb3JkZXJzLWFwaS5kZWZhdWx0LnN2Y0dFVC9hcGkv',
      'b3JkZXJzP3BhZ2U9Mi9iLW9yZGVycy1hcGkuZGVmYXVsdC5zdmMuY2x1c3Rlci5sb2NhbDo4MDgwMTI3LjAuMC4xOjQxMjM0Y3VybC84',
      'LjExLjBBTExPV2RlZmF1bHQvb3JkZXJzLWFwaS1hbGxvd29yZGVycy1hcGktN2YzYXNwaWZmZTovL2NsdXN0ZXIubG9jYWwvbnMvZGVm',
      'YXVsdC9zYS9vcmRlcnMtYXBpSFRUUC8xLjFUTFN2MS4zZGVzdGluYXRpb25hbGxvd2VkIGJ5IGRlZmF1bHQvb3JkZXJzLWFwaS1hbGxv',
      'dyBydWxlIDAABgAAAPvSseyfNAACAAAA0gkBBAAAAMgBAMsAAQAAAAAAAgAAAIAEAAEAAAAqAAEAAAApAAEAAAAWAAEAAAADAQUAAAAC',
      'EgIAAQABAAAAAQABAAAAKQABAAAADwABAAAAAAABAAAACwABAAAABQABAAAAGAABAAAADwABAAAALwABAAAACAABAAAABwABAAAACwAB',
      'AAAAAAABAAAAKgABAAAAAAABAAAAAAABAAAAAAEgAAAAD4+tW9nLRp+hZXCGdyiVDg+PrVvZy0afoWVwhncolQ4BIAAAAEv5LzV3s02m',
      'o86SnQ4ORzZL+S81d7NNpqPOkp0ODkc2ARAAAAAA8GeqC6kCtwDwZ6oLqQK3',
    ].join(''),
    'base64',
  );

  it('is still read', () => {
    assert.deepEqual(readRecordBlock(block), BEFORE_PARENTS);
  });
});

describe('what does not fit a record', () => {
  it('is cut and marked when it is a text', () => {
    const record = only(
      readRecordBlock(
        blockOf([
          recordInput({ path: `/${'a'.repeat(9000)}`, userAgent: 'é'.repeat(2000), requestId: 'r'.repeat(300) }),
        ]),
      ),
    );
    assert.equal(record.request_path, `/${'a'.repeat(8190)}…`);
    assert.equal(record.user_agent, `${'é'.repeat(1023)}…`);
    assert.equal(record.request_id, `${'r'.repeat(255)}…`);
  });

  it('is never cut within a surrogate pair', () => {
    const record = only(readRecordBlock(blockOf([recordInput({ userAgent: '😀'.repeat(600) })])));
    assert.equal(record.user_agent, `${'😀'.repeat(511)}…`);
  });

  for (const [given, kept] of [
    [Number.NaN, 0],
    [-1, 0],
    [0.9, 0],
    [Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER],
    [2 ** 60, Number.MAX_SAFE_INTEGER],
  ] as const) {
    it(`is brought into range when it is the number ${given}`, () => {
      assert.equal(only(readRecordBlock(blockOf([recordInput({ bytesSent: given })]))).bytes_sent, kept);
    });
  }

  it('keeps times within what RFC 3339 can write', () => {
    assert.equal(
      only(readRecordBlock(blockOf([recordInput({ startedAt: 1e18 })]))).timestamp,
      '9999-12-31T23:59:59.999Z',
    );
  });

  it('is replaced when it is half a surrogate pair, and moves nothing else', () => {
    const records = readRecordBlock(
      blockOf([recordInput({ path: '\ud83d', authority: 'x' }), recordInput({ path: 'b\ude00', authority: 'y' })]),
    );
    assert.deepEqual(
      records.map((record) => [record.request_path, record.authority]),
      [
        ['\ufffd', 'x'],
        ['b\ufffd', 'y'],
      ],
    );
  });
});

/** Reads hostile bytes: any outcome but records or the one refusal is a failure. */
function survives(bytes: Uint8Array): void {
  try {
    assert.ok(readRecordBlock(bytes).length <= MAX_RECORDS);
  } catch (error) {
    assert.deepEqual(
      [Reflect.get(Object(error), 'name'), Reflect.get(Object(error), 'code')],
      ['RampartError', 'INVALID_ARGUMENT'],
    );
  }
}

describe('hostile bytes', () => {
  const signature = [0x52, 0x52, 0x42, 0x02];
  const inputs = Array.from({ length: 20 }, (_, i) =>
    recordInput({
      path: `/${i % 5}`,
      requestId: i % 9 === 0 ? 'other' : recordInput().requestId,
      durationMicros: i * 1e6,
      spanId: '',
    }),
  );
  const block = blockOf(inputs);

  it('are refused or read when random', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), survives), { numRuns: 2000 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (rest) => survives(Uint8Array.from([...signature, ...rest]))),
      { numRuns: 2000 },
    );
  });

  it('are refused when a block is cut anywhere', () => {
    for (let end = 0; end < block.length; end++) {
      assert.throws(() => readRecordBlock(block.subarray(0, end)), { code: 'INVALID_ARGUMENT' }, `cut at ${end}`);
    }
  });

  it('are refused when a block has something after it', () => {
    assert.throws(() => readRecordBlock(Uint8Array.from([...block, 0])), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => readRecordBlock(Uint8Array.from([...blockOf([]), 0])), { code: 'INVALID_ARGUMENT' });
  });

  it('are refused or read when any bit of a block is flipped', () => {
    for (let bit = 0; bit < block.length * 8; bit++) {
      const flipped = block.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      survives(flipped);
    }
  });

  it('are refused or read when bytes of a block are overwritten', () => {
    const change = fc.tuple(fc.nat(block.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const changed = block.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        survives(changed);
      }),
      { numRuns: 3000 },
    );
  });

  const refused: Readonly<Record<string, readonly number[]>> = {
    'another version': [0x52, 0x52, 0x42, 0x04, 0],
    'more records than allowed': [...signature, 0x81, 0x40],
    'a count above 2^53': [...signature, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    'a count that is not in its shortest form': [...signature, 0x80, 0x00],
    'text that is not UTF-8': [...signature, 1, 1, 0xff],
    'text longer than the block': [...signature, 1, 0xff, 0xff, 0x7f],
  };
  for (const [what, bytes] of Object.entries(refused)) {
    it(`are refused: ${what}`, () => {
      assert.throws(() => readRecordBlock(Uint8Array.from(bytes)), { name: 'RampartError', code: 'INVALID_ARGUMENT' });
    });
  }

  it('are refused when longer than a block may be', () => {
    assert.throws(() => readRecordBlock(new Uint8Array(4 * 1024 * 1024 + 1)), {
      code: 'INVALID_ARGUMENT',
      message: /longer than 4194304 bytes/,
    });
  });
});
