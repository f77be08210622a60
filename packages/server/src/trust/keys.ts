import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import {
  FileKeyStore,
  fromKeyFile,
  fromPassphrase,
  type KeyEncryptionKey,
  type KeyStore,
  TransitKeyStore,
} from '@rampart/keyring';
import type { CompleteOptions } from '../control-plane-options.ts';
import type { DataDirectory } from '../directory/data-directory.ts';
import type { Teardown } from '../teardown.ts';

/** What secrets of this control plane are kept with. */
export interface Keys {
  /** Keys that sign: encrypted in the data directory, or in a service that never gives them away. */
  readonly keys: KeyStore;
  /** Protects what else is secret in the data directory. */
  readonly keyEncryptionKey: KeyEncryptionKey;
}

/** Where keys are, and what protects them. */
export type KeySource = Pick<CompleteOptions, 'keyPassphrase' | 'keyService'>;

export async function openKeys(
  {
    options,
    teardown,
  }: {
    readonly options: KeySource & Pick<CompleteOptions, 'keyEncryptionKey'>;
    readonly teardown: Pick<Teardown, 'add'>;
  },
  directory: Pick<DataDirectory, 'keys'>,
): Promise<Keys> {
  const keyEncryptionKey = options.keyEncryptionKey ?? (await localKey(options, directory));
  if (options.keyService === undefined) {
    return { keys: new FileKeyStore({ directory: directory.keys, keyEncryptionKey }), keyEncryptionKey };
  }
  const service = new TransitKeyStore(options.keyService);
  teardown.add('key service', () => service.close());
  return { keys: service, keyEncryptionKey };
}

/** Throws KEY_UNREADABLE, and makes nothing, where the keys that are there are protected in the other way. */
async function localKey(
  { keyPassphrase }: KeySource,
  { keys }: Pick<DataDirectory, 'keys'>,
): Promise<KeyEncryptionKey> {
  const [master, passphrase] = [join(keys, 'master.key'), join(keys, 'passphrase.json')];
  const [isPlain, isSealed] = await Promise.all([isThere(master), isThere(passphrase)]);
  if (keyPassphrase === undefined) {
    if (isSealed && !isPlain)
      throw unreadable(keys, 'a passphrase: name it with --key-passphrase-file or --key-passphrase-env');
    if (!isPlain && (await holdsKeys(keys)))
      throw unreadable(keys, `${master}, which is missing: put it back, or restore a backup with its keys`);
    return fromKeyFile(master);
  }
  if (isPlain && !isSealed)
    throw unreadable(keys, 'no passphrase: leave --key-passphrase-file and --key-passphrase-env out');
  return fromPassphrase({ passphrase: keyPassphrase, file: passphrase });
}

function unreadable(keys: string, what: string): RampartError {
  return new RampartError('KEY_UNREADABLE', `the keys in ${keys} are under ${what}`);
}

/** Whether keys are there that something protects. */
async function holdsKeys(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  return names.some((name) => name.endsWith('.key'));
}

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
