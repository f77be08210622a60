import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Command } from 'commander';
import { definitionsFor } from './catalogue.ts';
import { captureIo } from './scenarios/captured-io.ts';
import { Shell } from './shell.ts';

async function commandsFor(...words: readonly string[]): Promise<string[]> {
  const program = new Command();
  const shell = new Shell(captureIo({ workingDirectory: '/' }).io);
  for (const define of await definitionsFor(words)) define(program, shell);
  return program.commands.map((command) => command.name());
}

const all = await commandsFor();

suite('what a command line has loaded', () => {
  for (const name of all) {
    test(`${name}: what is filed under that name, and nothing else`, async () => {
      assert.deepEqual(await commandsFor(name, '--whatever', 'get'), [name]);
    });
  }
  const lines: readonly (readonly [rule: string, words: readonly string[], loaded: readonly string[]])[] = [
    ['global options may stand before the command', ['-o', 'json', '--data=x', 'status'], ['status']],
    ['the value of an option is no command', ['--data', 'get', 'status'], ['status']],
    ['help speaks of every command', ['--help', 'get'], all],
    ['a mistyped name may be like any', ['statsu'], all],
    ['a name of every object is no command', ['constructor'], all],
    ['a wrong global option', ['-o', 'xml', 'get'], all],
  ];
  for (const [rule, words, loaded] of lines) {
    test(rule, async () => assert.deepEqual(await commandsFor(...words), loaded));
  }
});
