import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseResource } from '../parse.ts';
import type { RegistrationEntry } from '../resource.ts';
import { DirectEntries } from './direct-entries.ts';

function entry(name: string, selectors: readonly string[], spec: object = {}): RegistrationEntry {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'RegistrationEntry',
    metadata: { name, namespace: 'prod' },
    spec: { spiffeId: 'spiffe://cluster.local/ns/prod/sa/web', selectors, ...spec },
  });
  assert.ok(parsed.ok && parsed.value.kind === 'RegistrationEntry', JSON.stringify(parsed));
  return parsed.value;
}

function overlap(mine: readonly string[], theirs: readonly string[], spec: object = {}): string {
  const one = entry('one', mine);
  return new DirectEntries([entry('two', theirs, spec), one]).overlapOf(one)?.kind ?? 'none';
}

const WEB = ['k8s:ns:prod', 'k8s:sa:web'];

describe('entries for direct attestation overlap', () => {
  const cases: readonly (readonly [rule: string, mine: readonly string[], theirs: readonly string[], kind: string])[] =
    [
      ['with the same selectors, in whatever order', WEB, WEB.toReversed(), 'same'],
      ['when the other one asks for less', WEB, ['k8s:ns:prod'], 'wider'],
      ['when the other one asks for more', WEB, [...WEB, 'k8s:cluster:c1'], 'narrower'],
      ['when neither says what the other does', ['k8s:ns:prod'], ['k8s:sa:web'], 'possible'],
      ['when a token may have both', ['jwt:sub:web'], ['k8s:sa:web'], 'possible'],
      ['when a certificate may have both', ['x509pop:subject:cn:a'], ['x509pop:ca:fingerprint:f'], 'possible'],
      [
        'when one asks for more values of one thing',
        ['x509pop:san:dns:a'],
        ['x509pop:san:dns:a', 'x509pop:san:dns:b'],
        'narrower',
      ],
      ['not when a fact tells them apart', WEB, ['k8s:ns:prod', 'k8s:sa:db'], 'none'],
      ['not when one of several facts tells them apart', WEB, ['k8s:ns:dev', 'k8s:cluster:c1'], 'none'],
      ['not with other names of a certificate', ['x509pop:san:dns:a'], ['x509pop:san:dns:b'], 'none'],
      ['not with evidence of another kind', ['k8s:ns:prod'], ['x509pop:san:dns:a'], 'none'],
      ['not with tokens of another profile', ['k8s:ns:prod'], ['github:ref:main'], 'none'],
      ['not with what only tokens have', ['jwt:sub:web'], ['aws_iam:role:web'], 'none'],
      ['not with entries about processes', ['k8s:ns:prod'], ['unix:uid:1'], 'none'],
    ];
  for (const [rule, mine, theirs, kind] of cases) it(rule, () => assert.equal(overlap(mine, theirs), kind));

  it('not with entries of an agent', () => {
    assert.equal(overlap(WEB, WEB, { parentId: 'spiffe://cluster.local/agent/join_token/h' }), 'none');
  });

  it('with the one that always does first', () => {
    const one = entry('one', WEB);
    const found = new DirectEntries([entry('maybe', ['jwt:sub:x']), one, entry('all', ['k8s:ns:prod'])]).overlapOf(one);
    assert.deepEqual([found?.other.metadata.name, found?.kind], ['all', 'wider']);
  });

  it('as a comparison of each with each finds it', () => {
    const fact = fc.constantFrom(
      'k8s:ns:a',
      'k8s:ns:b',
      'k8s:sa:a',
      'k8s:sa:b',
      'jwt:sub:a',
      'jwt:sub:b',
      'github:ref:a',
    );
    const selectors = fc.uniqueArray(fact, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(selectors, { minLength: 2, maxLength: 8 }), (lists) => {
        const entries = lists.map((list, index) => entry(`e${index}`, list));
        const together = new DirectEntries(entries);
        for (const one of entries) {
          const alone = entries.some(
            (other) => other !== one && new DirectEntries([other]).overlapOf(one) !== undefined,
          );
          assert.equal(together.overlapOf(one) !== undefined, alone);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are found among many in little time', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => entry(`e${index}`, ['k8s:ns:prod', `k8s:sa:s${index}`]));
    const started = performance.now();
    const entries = new DirectEntries(many);
    assert.equal(many.filter((one) => entries.overlapOf(one) !== undefined).length, 0);
    assert.ok(performance.now() - started < 2000);
  });
});
