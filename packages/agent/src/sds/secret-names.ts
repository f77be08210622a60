import type { HostEntry } from '../entries/host-entry.ts';

/** Names of secrets that mean something, as SPIRE has them. */
const DEFAULT_SVID = 'default';
export const OWN_ROOTS = 'ROOTCA';
export const ALL_ROOTS = 'ALL';

/** Which secrets are asked for; undefined for all. */
export type SecretNames = ReadonlySet<string> | undefined;

/** The name under which a certificate of this entry was asked for; undefined when it was not. */
export function certificateName(entry: HostEntry, isDefault: boolean, names: SecretNames): string | undefined {
  const spiffeId = entry.spiffeId.toString();
  if (names === undefined || names.has(spiffeId)) return spiffeId;
  return isDefault && names.has(DEFAULT_SVID) ? DEFAULT_SVID : undefined;
}
