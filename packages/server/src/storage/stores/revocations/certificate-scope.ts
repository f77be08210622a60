import type { CertificateScope, Revocation } from '@rampart/authority';
import { type Expression, type ExpressionBuilder, type Kysely, sql, type SqlBool, type Transaction } from 'kysely';
import { sliceOf, slicesOf } from '../../slices.ts';
import type { CertificateTable, Tables } from '../../tables.ts';
import type { SequenceSpan } from './sequence-spans.ts';

const LEAVES = ['server', 'workload', 'agent'] as const;

/** Rows of what a scope means of the certificates that have not ended at some time and are not revoked. */
export interface ScopeRows {
  readonly count: number;
  /** The newest first. */
  readonly newest: readonly CertificateTable[];
  readonly stragglers: readonly CertificateTable[];
}

/** What a scope means within a span; at most `shown` of the newest. */
export async function selectScope(
  database: Kysely<Tables>,
  scope: CertificateScope,
  { at, shown, span }: { readonly at: number; readonly shown: number; readonly span: SequenceSpan },
): Promise<ScopeRows> {
  const meant = database
    .selectFrom('certificates')
    .where((builder) => meaning(builder, scope, span))
    .where('not_after', '>', at);
  const { count } = await meant.select(sql<number>`count(*)`.as('count')).executeTakeFirstOrThrow();
  if (count === 0) return { count, newest: [], stragglers: [] };
  const [newest, stragglers] = await Promise.all([
    meant.selectAll().orderBy('sequence', 'desc').limit(shown).execute(),
    meant.selectAll().where('not_before', '>', scope.notBeforeUntil).execute(),
  ]);
  return { count, newest, stragglers };
}

/** Marks what a scope means within a span; says how many certificates that was. */
export async function revokeInSpan(
  transaction: Transaction<Tables>,
  { scope, span }: { readonly scope: CertificateScope; readonly span: SequenceSpan },
  { at, reason, by, rule }: Revocation,
): Promise<number> {
  const { numUpdatedRows } = await transaction
    .updateTable('certificates')
    .set({ revoked_at: at, revocation_reason: reason, revoked_by: by, revocation_rule: rule ?? null })
    .where((builder) => meaning(builder, scope, span))
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

function meaning(
  builder: ExpressionBuilder<Tables, 'certificates'>,
  { spiffeId, namespace, issuer, notBeforeUntil, issuedUntil }: CertificateScope,
  { after, upTo }: SequenceSpan,
): Expression<SqlBool> {
  return builder.and([
    builder('sequence', '>', after),
    ...(upTo === undefined ? [] : [builder('sequence', '<=', upTo)]),
    builder('revoked_at', 'is', null),
    builder('kind', 'in', LEAVES),
    builder.or([builder('not_before', '<=', notBeforeUntil), builder('issued_at', '<=', issuedUntil)]),
    ...(spiffeId === undefined ? [] : [isOf(builder, spiffeId)]),
    ...(issuer === undefined ? [] : [builder('issuer', '=', issuer)]),
    // A DNS label holds none of the characters that LIKE knows.
    ...(namespace === undefined ? [] : [builder('spiffe_id', 'like', `spiffe://%/ns/${namespace}/sa/%`)]),
  ]);
}

/** That a certificate is of an identity. */
export function isOf(builder: ExpressionBuilder<Tables, 'certificates'>, spiffeId: string): Expression<SqlBool> {
  return builder.and([
    sql<SqlBool>`${sliceOf('certificates')} in ${slicesOf('certificates')}`,
    builder('spiffe_id', '=', spiffeId),
  ]);
}
