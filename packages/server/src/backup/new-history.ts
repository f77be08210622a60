import { randomInt } from 'node:crypto';
import type { Database } from '../storage/database.ts';
import { readCounter, setCounter } from '../storage/stores/counter.ts';
import { BUNDLE_SEQUENCE } from '../storage/stores/hierarchy-store.ts';
import { REGISTRY_EPOCH } from '../storage/stores/registry/registry-store.ts';
import { REVISION } from '../storage/stores/revision-store.ts';

/** An epoch of the registry has room for 10¹⁰ revisions: at this many milliseconds for each, epochs last beyond the year 2200. */
const EPOCH_MS = 10_000_000;
/** Two restores within one such time begin at different ones. */
const EPOCHS_APART = 4096;

/**
 * What was numbered since the backup was made is numbered again by whoever starts from it. So numbers go on where the time is, where
 * nobody has been: none counts faster than a thousand a second for long. A watch, a data plane or a federated trust domain that
 * knows a later number of the history that is given up is not taken for one that is up to date.
 */
export function beginNewHistory({ writer }: Pick<Database, 'writer'>, now: number): Promise<void> {
  const least: Readonly<Record<string, number>> = {
    [REVISION]: now,
    [BUNDLE_SEQUENCE]: Math.floor(now / 1000),
    [REGISTRY_EPOCH]: Math.floor(now / EPOCH_MS) + randomInt(EPOCHS_APART),
  };
  return writer.write(async (transaction) => {
    for (const [name, value] of Object.entries(least)) {
      await setCounter(transaction, name, Math.max(value, (await readCounter(transaction, name)) + 1));
    }
  });
}
