import { join } from 'node:path';
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

function localKey({ keyPassphrase }: KeySource, { keys }: Pick<DataDirectory, 'keys'>): Promise<KeyEncryptionKey> {
  if (keyPassphrase === undefined) return fromKeyFile(join(keys, 'master.key'));
  return fromPassphrase({ passphrase: keyPassphrase, file: join(keys, 'passphrase.json') });
}
