import type { AuthorizationCondition } from '../../resource/authorization/condition.ts';
import type { AuthorizationSource } from '../../resource/authorization/source.ts';

/** A field of a source that lets in everybody, and whom that is. */
export interface OpenField {
  readonly field: keyof AuthorizationSource;
  readonly message: string;
}

/** Every identity there is, or every one of a trust domain. */
const EVERY_PRINCIPAL = /^(?:\*|[^/*]+\/\*|[^/*]+\/ns\/\*|\*\/\*?)$/;
const EVERY_ADDRESS = /^(?:[0-9.]+|[0-9a-f:]+)\/0$/i;

const IDENTITY: Readonly<Partial<Record<keyof AuthorizationSource, RegExp>>> = {
  principals: EVERY_PRINCIPAL,
  namespaces: /^\*+$/,
  trustDomains: /^\*$/,
};
const ADDRESS: Readonly<Partial<Record<keyof AuthorizationSource, RegExp>>> = {
  ipBlocks: EVERY_ADDRESS,
  remoteIpBlocks: EVERY_ADDRESS,
};
const NARROWING = ['serviceAccounts', 'requestPrincipals', ...keysOf(IDENTITY), ...keysOf(ADDRESS)] as const;
const NEGATIVE = [
  'notPrincipals',
  'notNamespaces',
  'notServiceAccounts',
  'notTrustDomains',
  'notIpBlocks',
  'notRemoteIpBlocks',
  'notRequestPrincipals',
] as const;

/** How a source lets in everybody; undefined when anything narrows it to those that somebody named. */
export function openField(source: AuthorizationSource): OpenField | undefined {
  const named = NARROWING.filter((field) => (source[field] ?? []).length > 0);
  if (named.some((field) => !isWide(source, field))) return undefined;
  const [field] = named;
  if (field !== undefined) {
    const value = JSON.stringify(source[field]?.find((one) => isWideValue(field, one)) ?? '');
    const all = field in IDENTITY ? 'every identity there is' : 'every address there is';
    return { field, message: `${field} ${value} lets in ${all}: name those that need it` };
  }
  const negative = NEGATIVE.find((one) => (source[one] ?? []).length > 0);
  if (negative === undefined) return undefined;
  const message = `${negative} alone lets in everybody else, callers without identity too: name who may call`;
  return { field: negative, message };
}

/** Whether a condition says anything of who calls. */
export function asksWho({ key, values = [] }: AuthorizationCondition): boolean {
  if (key.startsWith('destination.') || key === 'connection.sni') return false;
  if (values.length === 0) return false;
  if (key === 'source.principal') return !values.some((value) => EVERY_PRINCIPAL.test(value));
  if (key === 'source.namespace' || key === 'source.trustDomain') return !values.some((value) => /^\*+$/.test(value));
  return key !== 'source.ip' && key !== 'remote.ip' ? true : !values.some((value) => EVERY_ADDRESS.test(value));
}

function isWide(source: AuthorizationSource, field: keyof AuthorizationSource): boolean {
  return (source[field] ?? []).some((value) => isWideValue(field, value));
}

function isWideValue(field: keyof AuthorizationSource, value: string): boolean {
  return (IDENTITY[field] ?? ADDRESS[field])?.test(value) === true;
}

function keysOf(table: Readonly<Partial<Record<keyof AuthorizationSource, RegExp>>>): (keyof AuthorizationSource)[] {
  return Object.keys(table) as (keyof AuthorizationSource)[];
}
