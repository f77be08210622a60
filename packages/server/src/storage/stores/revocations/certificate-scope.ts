import type { CertificateScope, Revocation } from '@rampart/authority';
import { type Expression, type ExpressionBuilder, type Kysely, sql, type SqlBool, type Transaction } from 'kysely';
import type { CertificateTable, Tables } from '../../tables.ts';

const LEAVES = ['server', 'workload', 'agent'] as const;
const SHOWN = 20;

/** Rows of what a scope means of the certificates that have not ended at `at` and are not revoked. */
export async function selectScope(
  database: Kysely<Tables>,
  scope: CertificateScope,
  at: number,
): Promise<{
  readonly count: number;
  readonly newest: readonly CertificateTable[];
  readonly stragglers: readonly CertificateTable[];
}> {
  const meant = database
    .selectFrom('certificates')
    .where((builder) => meaning(builder, scope))
    .where('not_after', '>', at);
  const [{ count }, newest, stragglers] = await Promise.all([
    meant.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow(),
    meant.selectAll().orderBy('sequence', 'desc').limit(SHOWN).execute(),
    meant.selectAll().where('not_before', '>', scope.notBeforeUntil).execute(),
  ]);
  return { count, newest, stragglers };
}

/** At once, so that whoever waits for the database does not wait long. */
const STEP = 2000;

/** Marks the next certificates that a scope means; says how many those were, 0 when none is left. */
export async function revokeStep(
  transaction: Transaction<Tables>,
  scope: CertificateScope,
  { at, reason, by, rule }: Revocation,
): Promise<number> {
  const next = transaction
    .selectFrom('certificates')
    .select('serial')
    .where((builder) => meaning(builder, scope))
    .limit(STEP);
  const { numUpdatedRows } = await transaction
    .updateTable('certificates')
    .set({ revoked_at: at, revocation_reason: reason, revoked_by: by, revocation_rule: rule ?? null })
    .where('serial', 'in', next)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

function meaning(
  builder: ExpressionBuilder<Tables, 'certificates'>,
  { spiffeId, namespace, issuer, notBeforeUntil, issuedUntil }: CertificateScope,
): Expression<SqlBool> {
  return builder.and([
    builder('revoked_at', 'is', null),
    builder('kind', 'in', LEAVES),
    builder.or([builder('not_before', '<=', notBeforeUntil), builder('issued_at', '<=', issuedUntil)]),
    ...(spiffeId === undefined ? [] : [builder('spiffe_id', '=', spiffeId)]),
    ...(issuer === undefined ? [] : [builder('issuer', '=', issuer)]),
    // A DNS label holds none of the characters that LIKE knows.
    ...(namespace === undefined ? [] : [builder('spiffe_id', 'like', `spiffe://%/ns/${namespace}/sa/%`)]),
  ]);
}
