import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { suite, test } from 'node:test';
import { type Outcome, runIn } from './mesh.ts';

function rules(...words: readonly string[]): Promise<Outcome> {
  return runIn(['sidecar', 'nftables', ...words], { workingDirectory: tmpdir() });
}

suite('rampart sidecar nftables', () => {
  test('prints rules for what goes out, what comes in, and names', async () => {
    const out = [
      '--redirect-port',
      '15001',
      '--exempt-user',
      '1337',
      '--exclude',
      '10.0.0.0/8',
      '--exclude-port',
      '22',
    ];
    const { code, stdout } = await rules(...out, '--mesh-port', '8443', '--app-port', '8000', '--dns-port', '15053');
    assert.equal(code, 0);
    for (const statement of [
      'meta skuid { 1337 } return',
      'udp dport 53 redirect to :15053',
      'tcp dport { 22 } return',
      'ip daddr { 10.0.0.0/8 } return',
      'meta l4proto tcp redirect to :15001',
      'tcp dport { 8000 } redirect to :8443',
    ])
      assert.ok(stdout.includes(statement), statement);
  });

  test('prints what takes them away', async () => {
    const { stdout } = await rules('--delete');
    assert.match(stdout, /^# Takes .*\ntable inet rampart_capture\ndelete table inet rampart_capture\n$/);
  });

  const wrong: readonly (readonly [rule: string, words: readonly string[], problem: RegExp])[] = [
    ['nothing to capture', [], /nothing to capture/],
    ['nobody who is left alone', ['--redirect-port', '15001'], /left alone.*--exempt-user/],
    ['half of what comes in', ['--mesh-port', '8443'], /--mesh-port and --app-port belong together/],
    ['an address that is none', ['--redirect-port', '1', '--exempt-user', '1', '--exclude', 'a }'], /is not an IP/],
    ['a user by name', ['--redirect-port', '1', '--exempt-user', 'rampart'], /id -u/],
    ['what is for running a sidecar', ['--delete', '--socks-port', '1'], /--socks-port is for running a sidecar/],
  ];
  for (const [rule, words, problem] of wrong) {
    test(`refuses ${rule}`, async () => {
      const { code, stderr } = await rules(...words);
      assert.equal(code, 2);
      assert.match(stderr, problem);
    });
  }
});
