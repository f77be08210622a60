import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTraits } from './instance-traits.ts';

const http = (path: string): object => ({
  $case: 'http',
  value: { scheme: 'https', port: 0, path, method: '', headers: {} },
});

describe('what a process says of its instances', () => {
  it('is nothing unless it is said', () => {
    const problems: string[] = [];
    assert.deepEqual(readTraits({}, problems), { version: '', checks: [], deregisterCriticalAfterMs: 0n });
    assert.deepEqual(problems, []);
  });

  it('is read from the environment', () => {
    const problems: string[] = [];
    const { checks = [], ...traits } = readTraits(
      {
        RAMPART_INSTANCE_TAGS: 'v2, blue,',
        RAMPART_INSTANCE_METADATA: 'team=shop,url=http://a/?b=c',
        RAMPART_INSTANCE_WEIGHT: '3:0',
        RAMPART_INSTANCE_LOCALITY: 'eu/eu-1',
        RAMPART_INSTANCE_VERSION: '2.1.0',
        RAMPART_INSTANCE_CHECKS: 'https:/health?deep=1 tcp',
        RAMPART_INSTANCE_CHECK_INTERVAL: '5s',
        RAMPART_INSTANCE_DEREGISTER_AFTER: '2m',
      },
      problems,
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(traits, {
      tags: ['v2', 'blue'],
      metadata: { team: 'shop', url: 'http://a/?b=c' },
      weights: { passing: 3, warning: 0 },
      locality: { region: 'eu', zone: 'eu-1' },
      version: '2.1.0',
      deregisterCriticalAfterMs: 120_000n,
    });
    assert.deepEqual(
      checks.map(({ kind, intervalMs }) => [kind, intervalMs]),
      [
        [http('/health?deep=1'), 5000n],
        [{ $case: 'tcp', value: { port: 0 } }, 5000n],
      ],
    );
  });

  it('may be JSON where it has commas', () => {
    const { metadata } = readTraits({ RAMPART_INSTANCE_METADATA: '{"note":"a, b"}' }, []);
    assert.deepEqual(metadata, { note: 'a, b' });
  });

  const bad: readonly (readonly [name: string, value: string])[] = [
    ['RAMPART_INSTANCE_METADATA', 'team'],
    ['RAMPART_INSTANCE_METADATA', '{"a":1}'],
    ['RAMPART_INSTANCE_METADATA', '{'],
    ['RAMPART_INSTANCE_WEIGHT', '0'],
    ['RAMPART_INSTANCE_WEIGHT', '-1'],
    ['RAMPART_INSTANCE_WEIGHT', '70000'],
    ['RAMPART_INSTANCE_CHECKS', 'http:health'],
    ['RAMPART_INSTANCE_CHECKS', 'script:/bin/true'],
    ['RAMPART_INSTANCE_CHECKS', 'ttl:30s'],
    ['RAMPART_INSTANCE_CHECK_INTERVAL', '10'],
    ['RAMPART_INSTANCE_DEREGISTER_AFTER', 'soon'],
  ];
  for (const [name, value] of bad)
    it(`${name}=${value} is a problem`, () => {
      const problems: string[] = [];
      readTraits({ [name]: value }, problems);
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', new RegExp(name));
    });
});
