import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { type AuthorityOptions, keysOf } from '../../arguments/authority-options.ts';
import { EXIT } from '../../exit-code.ts';
import { readVerifierKey } from '../../ledger/verifier-key.ts';
import { renderTime } from '../../render/moment.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { type PassphraseOptions, passphraseOptions, readPassphrase } from '../ca/passphrase.ts';
import { backupFields, backupLine } from './summary.ts';

interface RestoreOptions extends PassphraseOptions, AuthorityOptions {
  readonly key?: string;
  readonly revocations?: string;
  readonly keepApiTokens?: true;
}

export function defineRestore(parent: Command, shell: Shell): void {
  const restore = parent
    .command('restore')
    .description('put a backup into an empty data directory, whole or not at all; needs --data')
    .argument('<file>', 'what "rampart backup" wrote')
    .option('--key <vkey>', 'key that must have signed it, or its file (default: what it says itself)')
    .option('--revocations <file>', 'newest copy of revocations.log: what was revoked since stays revoked')
    .option('--keep-api-tokens', 'tokens of "rampart api-token" go on; those that were revoked since do, too')
    .option('--key-passphrase-file <file>', 'with --revocations: passphrase of the keys, where they are under one')
    .option('--key-passphrase-env <name>', 'the same, of an environment variable')
    .addHelpText(
      'after',
      examples(
        ['rampart restore monday.rampart --data .rampart --revocations kept/revocations.log', 'then: rampart up'],
        ['rampart restore monday.rampart --data elsewhere --passphrase-file words', 'to look at it'],
      ),
    )
    .action((file: string, options: RestoreOptions, command: Command) =>
      shell.run(command, (invocation) => restoreFile(file, options, invocation)),
    );
  for (const option of passphraseOptions()) restore.addOption(option);
}

async function restoreFile(
  file: string,
  options: RestoreOptions,
  { io, globals, show, note }: Invocation,
): Promise<number> {
  if (globals.data === undefined) {
    throw new RampartError('INVALID_ARGUMENT', 'say with --data which empty directory it is to be restored into');
  }
  const { restoreBackup } = await import('@rampart/server/backup');
  const { key, revocations } = options;
  const directory = resolve(io.workingDirectory, globals.data);
  const { manifest, ended } = await restoreBackup({
    file: resolve(io.workingDirectory, file),
    passphrase: await readPassphrase(options, io, { use: 'known', of: 'backup' }),
    key: key === undefined ? undefined : await readVerifierKey(key, io),
    directory,
    keys: { keyPassphrase: undefined, ...(await keysOf(options, io)) },
    ...(revocations === undefined ? {} : { revocations: resolve(io.workingDirectory, revocations) }),
    keepApiTokens: options.keepApiTokens === true,
    clock: io.clock,
  });
  if (revocations === undefined)
    note(`what was revoked after ${renderTime(manifest.at)} is not known to it; --revocations brings that along`);
  const { apiTokens, joinTokens } = ended;
  show({
    data: () => ({ directory, ...backupFields(manifest), ended }),
    table: () =>
      `${globals.data ?? ''}: ${backupLine(manifest)}; ${joinTokens} join tokens and ${apiTokens} API tokens ended\n`,
  });
  return EXIT.ok;
}
