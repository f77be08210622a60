import { parseIpBlock } from '../../policy/match/address/ip-block.ts';
import type { Cursor, FieldReaders } from '../cursor.ts';
import { parsesWith, patternList, textList } from '../text-list.ts';
import { serviceAccountProblem, trustDomainPatternProblem } from './identity-pattern.ts';

/** Who is calling: every field asks, any value of a field will do. */
export interface AuthorizationSource {
  readonly principals?: readonly string[];
  readonly notPrincipals?: readonly string[];
  readonly requestPrincipals?: readonly string[];
  readonly notRequestPrincipals?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly notNamespaces?: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly notServiceAccounts?: readonly string[];
  readonly trustDomains?: readonly string[];
  readonly notTrustDomains?: readonly string[];
  readonly ipBlocks?: readonly string[];
  readonly notIpBlocks?: readonly string[];
  readonly remoteIpBlocks?: readonly string[];
  readonly notRemoteIpBlocks?: readonly string[];
}

const MAX_SERVICE_ACCOUNTS = 16;

const patterns = patternList();
const namespaces = textList();
const blocks = textList(parsesWith(parseIpBlock));
const trustDomains = textList(trustDomainPatternProblem);

const READERS: FieldReaders<AuthorizationSource> = {
  principals: readPrincipals,
  notPrincipals: readPrincipals,
  requestPrincipals: patterns,
  notRequestPrincipals: patterns,
  namespaces,
  notNamespaces: namespaces,
  serviceAccounts: readServiceAccounts,
  notServiceAccounts: readServiceAccounts,
  trustDomains,
  notTrustDomains: trustDomains,
  ipBlocks: blocks,
  notIpBlocks: blocks,
  remoteIpBlocks: blocks,
  notRemoteIpBlocks: blocks,
};

/** Names of the fields of a source. */
export const SOURCE_FIELDS: readonly string[] = Object.keys(READERS);

export function readSource(at: Cursor): AuthorizationSource | undefined {
  const source = at.fields(READERS);
  if (source === undefined) return undefined;
  if (asksNothing(at)) return at.error('must ask for something: name principals, namespaces or ipBlocks');
  checkCombination(at, source);
  return source;
}

/** Whether an object has no field with a value in it; Istio refuses such a source or operation. */
export function asksNothing(at: Cursor): boolean {
  return (at.keys() ?? []).every((key) => {
    const { value } = at.child(key);
    return Array.isArray(value) && value.length === 0;
  });
}

function checkCombination(at: Cursor, source: AuthorizationSource): void {
  const others = ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'] as const;
  for (const field of ['serviceAccounts', 'notServiceAccounts'] as const) {
    if ((source[field] ?? []).length === 0) continue;
    const other = others.find((name) => (source[name] ?? []).length > 0);
    if (other !== undefined)
      at.child(field).misplaced(`cannot stand beside ${other} in the same source: write two sources`);
  }
}

function readPrincipals(at: Cursor): string[] | undefined {
  const values = patterns(at);
  for (const item of values === undefined ? [] : (at.items() ?? [])) {
    if (typeof item.value === 'string' && item.value.startsWith('spiffe://')) {
      item.warning('never matches: principals are written without "spiffe://"');
    }
  }
  return values;
}

function readServiceAccounts(at: Cursor): string[] | undefined {
  const values = textList(serviceAccountProblem)(at);
  const count = values === undefined ? 0 : (at.items() ?? []).length;
  return count > MAX_SERVICE_ACCOUNTS
    ? at.error(`must hold at most ${MAX_SERVICE_ACCOUNTS} values, holds ${count}`)
    : values;
}
