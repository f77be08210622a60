import type { Companion } from './store.ts';

/** Stores the companions of a batch, those of one kind at once. For implementations of `JournalStore`. */
export async function storeCompanions(companions: readonly Companion[] = [], within?: unknown): Promise<void> {
  const rows = new Map<Companion['store'], unknown[]>();
  for (const { store, row } of companions) {
    const known = rows.get(store);
    if (known === undefined) rows.set(store, [row]);
    else known.push(row);
  }
  for (const [store, all] of rows) await store(all, within);
}
