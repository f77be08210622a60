import { RampartError } from '@rampart/core';
import { openCheckpoint } from '@rampart/journal';
import { LedgerService } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { verifierKey } from '../../ledger/verifier-key.ts';
import { renderTime } from '../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { writeText } from '../ca/files.ts';

export function defineAuditCheckpoint(parent: Command, shell: Shell): void {
  parent
    .command('checkpoint')
    .description('sign what is on record now, and print the signed checkpoint: keep it, and verify from it later')
    .option('--out <file>', 'write it to a new file (default: standard output)')
    .addHelpText(
      'after',
      examples(
        ['rampart audit checkpoint --out monday.checkpoint', 'kept where nobody of this machine can change it'],
        ['rampart audit verify --from monday.checkpoint', 'what came since, and that nothing before was changed'],
      ),
    )
    .action((options: { readonly out?: string }, command: Command) =>
      shell.run(command, (invocation) => checkpoint(options.out, invocation)),
    );
}

export function defineAuditKey(parent: Command, shell: Shell): void {
  parent
    .command('key')
    .description('the key that checkpoints are verified with, in the form of signed notes')
    .addHelpText('after', examples(['rampart audit key > kept.vkey', 'for --key of certs verify and audit verify']))
    .action((_: object, command: Command) => shell.run(command, showKey));
}

async function checkpoint(out: string | undefined, { withService, show, note, io }: Invocation): Promise<number> {
  const answer = await withService(LedgerService, (client) => client.getCheckpoint({ fresh: true }));
  const opened = openCheckpoint(answer.note, verifierKey(answer.verifierKey, 'the control plane'));
  if (!opened.ok)
    throw new RampartError('JOURNAL_INCONSISTENT', `the checkpoint is not to be trusted: ${opened.problem}`);
  const { origin, size, root } = opened.value;
  if (out !== undefined) {
    await writeText(answer.note, out, io);
    note(`${origin}: ${size} entries, in ${out}`);
    return EXIT.ok;
  }
  const { note: text, verifierKey: key, at } = answer;
  show({ data: () => ({ origin, size, root, at: renderTime(Number(at)), note: text, key }), table: () => text });
  return EXIT.ok;
}

async function showKey({ withService, show }: Invocation): Promise<number> {
  const { verifierKey: text } = await withService(LedgerService, (client) => client.getCheckpoint({}));
  const { name, id } = verifierKey(text, 'the control plane');
  show({ data: () => ({ name, id, key: text }), table: () => `${text}\n` });
  return EXIT.ok;
}
