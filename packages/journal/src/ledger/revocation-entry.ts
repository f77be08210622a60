import { SpiffeId } from '@rampart/core';

/** The members of an entry's body. */
export type EntryFields = Readonly<Record<string, unknown>>;

const BY_SERIAL = 'CERTIFICATE_REVOKED';
const BY_RULE: ReadonlySet<unknown> = new Set([
  'IDENTITY_REVOKED',
  'IDENTITY_BARRED',
  'CERTIFICATES_REVOKED',
  'REVOCATION_RESTORED',
]);
const FAILED = 'REVOCATION_FAILED';
/** Those of authorities, and of older versions, have no id. */
const NONE = Symbol('none');
const AUTHORITIES: ReadonlySet<unknown> = new Set(['root', 'intermediate']);

/** Event types of the ledger that revoke. */
export const REVOKING: readonly string[] = [BY_SERIAL, ...[...BY_RULE].map(String)];

/**
 * Whether an entry of the ledger revokes the certificate that another one says was issued: by its serial, or by what it says of
 * whom, whose and until when. Asks nothing but the two.
 */
export function revokes(revocation: EntryFields, issued: EntryFields): boolean {
  const { event_type: type, serial, serials } = revocation;
  if (type === BY_SERIAL) return serial === issued['serial'];
  if (!BY_RULE.has(type)) return false;
  if (Array.isArray(serials) && serials.includes(issued['serial'])) return true;
  return typeof revocation['issued_until'] === 'number' && isMeant(revocation, issued);
}

/** The first of these entries that revokes the certificate of an issuance, and came about. */
export function revocationOf(entries: readonly EntryFields[], issued: EntryFields): EntryFields | undefined {
  const failed = new Set(entries.filter(isFailure).map(({ revocation }) => revocation));
  return entries.find((entry) => revokes(entry, issued) && !failed.has(entry['revocation'] ?? NONE));
}

/** Whether it says that a revocation on record before did not come about. */
export function isFailure(entry: EntryFields): boolean {
  return entry['event_type'] === FAILED;
}

/** A field that is "" narrows nothing. */
function isMeant(rule: EntryFields, issued: EntryFields): boolean {
  const { spiffe_id: spiffeId, namespace, issuer, issued_until: issuedUntil, not_before_until: until } = rule;
  if (AUTHORITIES.has(issued['kind'])) return false;
  if (spiffeId !== '' && spiffeId !== issued['spiffe_id']) return false;
  if (namespace !== '' && namespace !== namespaceOf(issued['spiffe_id'])) return false;
  if (issuer !== '' && issuer !== issued['issuer']) return false;
  return isAtMost(issued['not_before'], until) || isAtMost(issued['issued_at'], issuedUntil);
}

function isAtMost(time: unknown, end: unknown): boolean {
  return typeof time === 'number' && typeof end === 'number' && time <= end;
}

function namespaceOf(spiffeId: unknown): string | undefined {
  const parsed = SpiffeId.parse(typeof spiffeId === 'string' ? spiffeId : '');
  return parsed.ok ? parsed.value.namespace : undefined;
}
