import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createBackup, type CreatedBackup, type NewBackup } from '../backup/create.ts';
import { restoreBackup, type Restoration, type Restored } from '../backup/restore.ts';
import { createSystemClock } from '../clock.ts';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes } from './test-plane.ts';
import { connectAsAdmin } from './workload-client.ts';

/** Of every backup of a test. */
export const PASSPHRASE = 'three words and a bird';
/** Cheap, because tests are not about guessing. */
export const COST: { readonly N: number; readonly r: number; readonly p: number } = { N: 2 ** 10, r: 8, p: 1 };
/** Keys are in the data directory, under no passphrase. */
export const NO_KEYS: { readonly keyPassphrase: undefined; readonly keyService: undefined } = {
  keyPassphrase: undefined,
  keyService: undefined,
};

/** Control planes of one test, and a backup beside them. */
export class TestBackups {
  readonly planes: TestPlanes = new TestPlanes();

  /** Holds the data directory and everything below. */
  get root(): string {
    return dirname(this.planes.dataDirectory);
  }

  get file(): string {
    return join(this.root, 'one.rampart');
  }

  /** Where backups are restored; not there yet. */
  get target(): string {
    return join(this.root, 'restored');
  }

  open(): Promise<void> {
    return this.planes.open();
  }

  close(): Promise<void> {
    return this.planes.close();
  }

  async backUp(
    plane: ControlPlane,
    out: string = this.file,
    change: Pick<NewBackup, 'revocationFile'> = {},
  ): Promise<CreatedBackup> {
    const { ledger, close } = connectAsAdmin(plane);
    try {
      return await createBackup({
        directory: plane.dataDirectory,
        out,
        passphrase: PASSPHRASE,
        keys: NO_KEYS,
        cost: COST,
        clock: createSystemClock(),
        record: (manifest) => ledger.recordBackup({ manifest }),
        ...change,
      });
    } finally {
      close();
    }
  }

  restore(change: Partial<Restoration> = {}): Promise<Restored> {
    return restoreBackup({
      file: this.file,
      passphrase: PASSPHRASE,
      key: undefined,
      directory: this.target,
      keys: NO_KEYS,
      keepApiTokens: false,
      clock: createSystemClock(),
      ...change,
    });
  }

  /** No directory, and nothing that was to become one. */
  async nothingWritten(): Promise<void> {
    const names = await readdir(this.root);
    assert.deepEqual(
      names.filter((name) => name.startsWith('restored')),
      [],
    );
  }
}
