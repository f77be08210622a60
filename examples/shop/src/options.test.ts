import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from './options.ts';

test('alone, the shop runs live on its usual ports and keeps its data', () => {
  const read = readOptions([]);
  assert.ok(read.ok);
  assert.deepEqual(read.value, {
    once: false,
    output: 'text',
    dataDirectory: '.rampart',
    ports: { api: undefined, metrics: undefined, frontend: undefined },
    rate: 4,
    help: false,
  });
});

test('--once takes any free port and fresh data', () => {
  const read = readOptions(['--once', '--output', 'json']);
  assert.ok(read.ok);
  assert.deepEqual(read.value.ports, { api: 0, metrics: 0, frontend: 0 });
  assert.equal(read.value.dataDirectory, undefined);
});

const refused: readonly (readonly [name: string, argv: readonly string[], problem: RegExp])[] = [
  ['a port above 65535', ['--port', '65536'], /--port 65536: write a number from 0 to 65535/],
  ['a port that is no number', ['--frontend-port', '80a'], /--frontend-port 80a/],
  ['a rate of nothing', ['--rate', '0'], /--rate 0: write a number from 1 to 1000/],
  ['an unknown output', ['--once', '--output', 'xml'], /--output xml: write text or json/],
  ['JSON of something that does not end', ['--output', 'json'], /--output json goes with --once/],
  ['an unknown option', ['--twice'], /Unknown option '--twice'/],
  ['a stray word', ['now'], /Unexpected argument 'now'/],
];

for (const [name, argv, problem] of refused) {
  test(`refused: ${name}`, () => {
    const read = readOptions(argv);
    assert.ok(!read.ok);
    assert.match(read.problem, problem);
  });
}
