import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Signer } from '@rampart/keyring';
import { isThere, type Keys, type KeySource, openKeys } from '../trust/keys.ts';

/** Name of the key of the journal's checkpoints. */
const JOURNAL_KEY = 'journal';

/**
 * The keys of a data directory that is there; nothing is made. `close` lets go of a key service.
 * @throws RampartError KEY_UNREADABLE, naming what has to be said to open them.
 */
export async function openPresentKeys(
  directory: string,
  source: KeySource,
): Promise<Keys & { readonly close: () => Promise<void> }> {
  const keys = join(directory, 'keys');
  if (!(await isThere(join(keys, 'passphrase.json'))) && !(await isThere(join(keys, 'master.key')))) {
    throw new RampartError('KEY_UNREADABLE', `${keys} holds no master.key; name the data directory of a control plane`);
  }
  const undo: (() => unknown)[] = [];
  const teardown = { add: (_: string, step: () => unknown) => void undo.push(step) };
  const opened = await openKeys({ options: { keyEncryptionKey: undefined, ...source }, teardown }, { keys });
  return {
    ...opened,
    close: async () => {
      for (const step of undo) await step();
    },
  };
}

/** What checkpoints of the journal are signed with. Throws KEY_UNREADABLE where there is none. */
export async function journalSigner({ keys }: Keys, directory: string): Promise<Signer> {
  const signer = await keys.open(JOURNAL_KEY);
  if (signer !== undefined) return signer;
  throw new RampartError(
    'KEY_UNREADABLE',
    `${directory} has no key that signs checkpoints; where keys are in a service, name it with --key-service`,
  );
}
