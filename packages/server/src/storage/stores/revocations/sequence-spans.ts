import { setImmediate as turn } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Tables } from '../../tables.ts';

/** Part of the ledger: entries after `after` up to and with `upTo`, or all that follow. */
export interface SequenceSpan {
  readonly after: number;
  readonly upTo: number | undefined;
}

/** Certificates of a span: so few that whoever waits meanwhile does not wait long. */
const SPAN = 2000;

/**
 * The certificates on record in spans of the ledger, oldest first; others have their turn between them. Those of one identity
 * are found without: they are one span. What is put on record meanwhile is in the last one.
 */
export async function* sequenceSpans(
  database: Kysely<Tables>,
  { spiffeId }: { readonly spiffeId?: string },
): AsyncGenerator<SequenceSpan> {
  let after = -1;
  for (let end = spiffeId === undefined ? await endOf(database, after) : undefined; end !== undefined;) {
    yield { after, upTo: end };
    await turn();
    after = end;
    end = await endOf(database, after);
  }
  yield { after, upTo: undefined };
}

/** Undefined where fewer are left than a span has. */
async function endOf(database: Kysely<Tables>, after: number): Promise<number | undefined> {
  const last = await database
    .selectFrom('certificates')
    .select('sequence')
    .where('sequence', '>', after)
    .orderBy('sequence')
    .limit(1)
    .offset(SPAN - 1)
    .executeTakeFirst();
  return last?.sequence;
}
