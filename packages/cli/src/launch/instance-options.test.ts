import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { instanceEnvironment, instanceOptions, type InstanceOptions } from './instance-options.ts';

function environmentOf(...words: readonly string[]): Readonly<Record<string, string>> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of instanceOptions()) command.addOption(option);
  return instanceEnvironment(command.parse([...words], { from: 'user' }).opts<InstanceOptions>());
}

describe('what rampart run says of the instances of a service', () => {
  it('is nothing unless it is asked to', () => {
    assert.deepEqual(environmentOf(), {});
  });

  it('reaches the data plane in its own words', () => {
    const said = ['--tag', 'v2', '--tag', 'blue', '--meta', 'note=a, b', '--weight', '3', '--locality', 'eu/eu-1'];
    const more = ['--service-version', '2.1.0', '--check', 'https:/health', '--check', 'tcp', '--interval', '1m30s'];
    assert.deepEqual(environmentOf(...said, ...more, '--deregister-after', '2m'), {
      RAMPART_INSTANCE_TAGS: 'v2,blue',
      RAMPART_INSTANCE_METADATA: '{"note":"a, b"}',
      RAMPART_INSTANCE_WEIGHT: '3',
      RAMPART_INSTANCE_LOCALITY: 'eu/eu-1',
      RAMPART_INSTANCE_VERSION: '2.1.0',
      RAMPART_INSTANCE_CHECKS: 'https:/health tcp',
      RAMPART_INSTANCE_CHECK_INTERVAL: '90000ms',
      RAMPART_INSTANCE_DEREGISTER_AFTER: '120000ms',
    });
  });

  for (const words of [
    ['--check', 'script:/bin/true'],
    ['--check', 'ttl:30s'],
    ['--check', 'http:/a b'],
    ['--weight', '0'],
  ])
    it(`refuses ${words.join(' ')}`, () => {
      assert.throws(() => environmentOf(...words), /write/);
    });
});
