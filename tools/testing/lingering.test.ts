import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Lingering } from './lingering.ts';

const inFile = (name: string): { readonly name: string; readonly file: string } => ({ name, file: '/repo/a.test.ts' });
const PROCESS = inFile('/repo/a.test.ts');

test('a process that lives on after its last test is told to end', async () => {
  const lingering = new Lingering(1);
  const told = once(lingering.signal, 'abort');
  lingering.enqueued(PROCESS);
  lingering.enqueued(inFile('one'));
  lingering.enqueued(inFile('two'));
  lingering.completed(inFile('one'));
  lingering.completed(inFile('two'));
  await told;
});

test('while a test is under way, and once the process is gone, nobody is told anything', async () => {
  const [busy, gone, other] = [new Lingering(1), new Lingering(1), new Lingering(1)];
  for (const each of [busy, gone, other]) each.enqueued(inFile('one'));
  busy.enqueued(inFile('two'));
  for (const each of [gone, busy, other]) each.completed(inFile('one'));
  gone.completed(PROCESS);
  await once(other.signal, 'abort');
  assert.deepEqual([busy.signal.aborted, gone.signal.aborted], [false, false]);
});
