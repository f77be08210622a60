import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Command, Option } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { readVerifierKey } from '../../ledger/verifier-key.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { type PassphraseOptions, passphraseOptions, readPassphrase } from '../ca/passphrase.ts';
import { backupFields, backupLine } from './summary.ts';

interface VerifyOptions extends PassphraseOptions {
  readonly key?: string;
}

export function defineBackupVerify(parent: Command, shell: Shell): void {
  const verify = parent
    .command('verify')
    .description('read a whole backup, recompute the journal in it, and say who made it; asks no control plane')
    .argument('<file>', 'what "rampart backup" wrote')
    .option('--key <vkey>', 'key that must have signed it, or its file: "rampart audit key" of the control plane')
    .addHelpText(
      'after',
      examples(
        ['rampart backup verify monday.rampart --key kept.vkey', 'made by the holder of that key, and whole'],
        ['rampart backup verify monday.rampart --passphrase-env WORDS', 'whole; the key is what it says itself'],
      ),
    )
    .action((file: string, _: object, command: Command) =>
      shell.run(command, (invocation) => {
        refuseOptionsOf(parent);
        // The parent takes options of the same name first.
        return verifyFile(file, command.optsWithGlobals<VerifyOptions>(), invocation);
      }),
    );
  for (const option of passphraseOptions()) verify.addOption(option);
  // The options of making a backup mean nothing here.
  const everywhere = (): Option[] => parent.parent?.options.filter(({ hidden }) => !hidden) ?? [];
  verify.configureHelp({ ...parent.configureHelp(), visibleGlobalOptions: everywhere });
}

/** Those that both have are common; what is only for making a backup was said by mistake. */
function refuseOptionsOf(parent: Command): void {
  const common = new Set(passphraseOptions().map((option) => option.attributeName()));
  const strange = parent.options.find((option) => {
    const name = option.attributeName();
    return !common.has(name) && parent.getOptionValueSource(name) === 'cli';
  });
  if (strange === undefined) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${strange.long ?? ''} is for making a backup; --help shows what verify takes`,
  );
}

async function verifyFile(
  file: string,
  options: VerifyOptions,
  { io, show, note, palette }: Invocation,
): Promise<number> {
  const { verifyBackup } = await import('@rampart/server/backup');
  const key = options.key === undefined ? undefined : await readVerifierKey(options.key, io);
  const passphrase = await readPassphrase(options, io, { use: 'known', of: 'backup' });
  const manifest = await verifyBackup({ file: resolve(io.workingDirectory, file), passphrase, key });
  if (key === undefined)
    note('the key is what the backup says itself; keep "rampart audit key" and give it with --key');
  show({
    data: () => ({ verified: true, ...backupFields(manifest) }),
    table: () => `${palette.good('verified')}: ${backupLine(manifest)}\n`,
  });
  return EXIT.ok;
}
