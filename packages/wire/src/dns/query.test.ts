import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RCODE, TYPE } from './codes.ts';
import { type ParsedQuery, parseQuery } from './query.ts';

interface Header {
  readonly flags?: number;
  readonly questions?: number;
  readonly answers?: number;
  readonly additionals?: number;
}

function packet(
  { flags = 0x0100, questions = 1, answers = 0, additionals = 0 }: Header,
  ...rest: Uint8Array[]
): Uint8Array {
  const header = Buffer.alloc(12);
  for (const [index, value] of [0x1234, flags, questions, answers, 0, additionals].entries())
    header.writeUInt16BE(value, 2 * index);
  return Buffer.concat([header, ...rest]);
}

function name(text: string): Uint8Array {
  const labels = text === '' ? [] : text.split('.');
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.of(0),
  ]);
}

const A_IN = Buffer.of(0, 1, 0, 1);
const QUESTION = Buffer.concat([name('Web.Service.Consul'), A_IN]);
const opt = (version = 0, owner = name('')): Buffer =>
  Buffer.concat([owner, Buffer.of(0, TYPE.OPT, 0x10, 0, 0, version, 0, 0, 0, 0)]);

function shortOf(parsed: ParsedQuery): unknown {
  if (parsed.kind === 'noise') return 'noise';
  if (parsed.kind === 'bad') return parsed.bad.rcode;
  const { question, edns } = parsed.query;
  return [question.labels.join('.'), question.type, edns?.udpSize];
}

const CASES: readonly (readonly [rule: string, packet: Uint8Array, expected: unknown])[] = [
  ['a question, its case folded', packet({}, QUESTION), ['web.service.consul', 1, undefined]],
  ['EDNS says what size is taken', packet({ additionals: 1 }, QUESTION, opt()), ['web.service.consul', 1, 4096]],
  ['the root can be asked for', packet({}, name(''), A_IN), ['', 1, undefined]],
  ['less than a header', Buffer.of(1, 2, 3), 'noise'],
  ['an answer, which is never answered', packet({ flags: 0x8100 }, QUESTION), 'noise'],
  ['an operation that is no query', packet({ flags: 0x2800 }, QUESTION), RCODE.NOTIMP],
  ['no question', packet({ questions: 0 }), RCODE.FORMERR],
  ['two questions', packet({ questions: 2 }, QUESTION, QUESTION), RCODE.FORMERR],
  ['65535 questions', packet({ questions: 65_535 }, Buffer.alloc(60_000)), RCODE.FORMERR],
  ['a question that ends in its name', packet({}, Buffer.of(5, 97)), RCODE.FORMERR],
  ['a question without its type', packet({}, name('web')), RCODE.FORMERR],
  ['a name that points to itself', packet({}, Buffer.of(0xc0, 12), A_IN), RCODE.FORMERR],
  ['a name that points ahead', packet({}, Buffer.of(0xc0, 14, 1, 97, 0), A_IN), RCODE.FORMERR],
  ['a label of a form that was given up', packet({}, Buffer.of(0x41, 97, 0), A_IN), RCODE.FORMERR],
  [
    'a name of 255 bytes',
    packet({}, name(Array.from({ length: 127 }, () => 'a').join('.')), A_IN),
    [Array.from({ length: 127 }, () => 'a').join('.'), 1, undefined],
  ],
  ['a name of 257 bytes', packet({}, name(Array.from({ length: 128 }, () => 'a').join('.')), A_IN), RCODE.FORMERR],
  [
    'a record behind a pointer to itself',
    packet({ additionals: 1 }, QUESTION, opt(0, Buffer.of(0xc0, 36))),
    RCODE.FORMERR,
  ],
  ['records that are not there', packet({ additionals: 1 }, QUESTION), RCODE.FORMERR],
  ['more records than anybody needs', packet({ answers: 65_535 }, QUESTION, Buffer.alloc(60_000)), RCODE.FORMERR],
  ['two OPT records', packet({ additionals: 2 }, QUESTION, opt(), opt()), RCODE.FORMERR],
  ['an OPT record among the answers', packet({ answers: 1 }, QUESTION, opt()), RCODE.FORMERR],
  ['EDNS of a version that there is not', packet({ additionals: 1 }, QUESTION, opt(1)), RCODE.BADVERS],
  ['something behind the last record', packet({}, QUESTION, Buffer.of(0)), RCODE.FORMERR],
];

describe('DNS queries', () => {
  for (const [rule, bytes, expected] of CASES) {
    it(rule, () => assert.deepEqual(shortOf(parseQuery(bytes)), expected));
  }

  it('whatever is sent is read in bounded time, and nothing beyond it', () => {
    const sound = packet({ additionals: 1 }, QUESTION, opt());
    const changed = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
      const bytes = Uint8Array.from(sound);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 600 })), (bytes) => {
        const parsed = parseQuery(bytes);
        if (parsed.kind !== 'query') return;
        const { question } = parsed.query;
        assert.ok(question.labels.every(({ length }) => length >= 1 && length <= 63));
        assert.ok(question.bytes.length <= 259);
      }),
      { numRuns: 3000 },
    );
  });
});
