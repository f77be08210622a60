import { RampartError } from '@rampart/core';
import { Option } from 'commander';
import type { Io } from '../../io.ts';
import { readText } from './files.ts';

/** Where a passphrase comes from. Never an argument: those can be seen by everybody on the machine. */
export interface PassphraseOptions {
  readonly passphraseFile?: string;
  readonly passphraseEnv?: string;
}

export function passphraseOptions(): readonly Option[] {
  return [
    new Option('--passphrase-file <file>', 'its first line is the passphrase (default: asked for)').conflicts(
      'passphraseEnv',
    ),
    new Option('--passphrase-env <name>', 'name of the environment variable that holds the passphrase'),
  ];
}

/**
 * The passphrase: of a file, of an environment variable, or typed without being shown; a new one is typed twice.
 * Throws INVALID_ARGUMENT, without quoting it.
 */
export async function readPassphrase(
  options: PassphraseOptions,
  io: Io,
  { use, of }: { readonly use: 'new' | 'known'; readonly of: string },
): Promise<string> {
  const { passphraseFile: file, passphraseEnv: name } = options;
  if (file !== undefined) return demand((await readText(file, io)).split(/\r?\n/)[0], `the first line of ${file}`);
  if (name !== undefined) return demand(io.env[name], `the environment variable ${name}`);
  const typed = demand(await io.readSecret(`Passphrase of the ${of}: `), 'what was typed');
  if (use === 'new' && (await io.readSecret('The same once more: ')) !== typed) {
    throw new RampartError('INVALID_ARGUMENT', 'the two passphrases differ; start again');
  }
  return typed;
}

function demand(passphrase: string | undefined, where: string): string {
  if (passphrase !== undefined && passphrase !== '') return passphrase;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${where} holds no passphrase; use --passphrase-file, --passphrase-env, or a terminal to type it`,
  );
}
