import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { LedgerService } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { type AuthorityOptions, keyOptions, keysOf } from '../../arguments/authority-options.ts';
import { candidateDirectories } from '../../connection/client-settings.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { type PassphraseOptions, passphraseOptions, readPassphrase } from '../ca/passphrase.ts';
import { backupFields, backupLine } from './summary.ts';
import { defineBackupVerify } from './verify.ts';

interface BackupOptions extends PassphraseOptions, AuthorityOptions {
  readonly out?: string;
  readonly revocationFile?: string;
}

/** Run where the data directory is: its owner needs nobody's leave for what is in it, and nobody else gets it over the network. */
export function defineBackup(parent: Command, shell: Shell): void {
  const backup = parent
    .command('backup')
    .description('an encrypted, signed copy of a control plane, taken while it works; run where its data directory is')
    .option('--out <file>', 'write it to this new file')
    .addOption(new Option('--revocation-file <file>', 'where "rampart up" was told to keep revocations'))
    .addHelpText(
      'after',
      examples(
        ['rampart backup --out monday.rampart --passphrase-file words', 'the nearest .rampart, or that of --data'],
        ['rampart backup verify monday.rampart --key kept.vkey', 'that it is whole, and who made it'],
        ['rampart restore monday.rampart --data new', 'start it again elsewhere'],
      ),
    )
    .action((options: BackupOptions, command: Command) =>
      shell.run(command, (invocation) => backUp(options, invocation)),
    );
  for (const option of [...passphraseOptions(), ...keyOptions()]) backup.addOption(option);
  defineBackupVerify(backup, shell);
}

async function backUp(options: BackupOptions, { io, globals, show, withService }: Invocation): Promise<number> {
  const { out, revocationFile } = options;
  if (out === undefined) throw new RampartError('INVALID_ARGUMENT', 'say with --out which new file it is to be');
  const { createBackup } = await import('@rampart/server/backup');
  const directory = await directoryOf(candidateDirectories(globals, io));
  const file = resolve(io.workingDirectory, out);
  const made = await createBackup({
    directory,
    out: file,
    passphrase: await readPassphrase(options, io, { use: 'new', of: 'backup' }),
    keys: { keyPassphrase: undefined, keyService: undefined, ...(await keysOf(options, io)) },
    ...(revocationFile === undefined ? {} : { revocationFile: resolve(io.workingDirectory, revocationFile) }),
    clock: io.clock,
    record: (manifest) => withService(LedgerService, (client) => client.recordBackup({ manifest })),
  });
  show({
    data: () => ({ file, size: made.size, ...backupFields(made.manifest) }),
    table: () => `${out}: ${backupLine(made.manifest)}, ${made.size} bytes\n`,
  });
  return EXIT.ok;
}

/** The first that holds a database; the first at all where none does, so that it is the one that an error names. */
async function directoryOf(candidates: readonly string[]): Promise<string> {
  for (const candidate of candidates) {
    const isOne = await access(join(candidate, 'rampart.db')).then(
      () => true,
      () => false,
    );
    if (isOne) return candidate;
  }
  return candidates[0] ?? '.rampart';
}
