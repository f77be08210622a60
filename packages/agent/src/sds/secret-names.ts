import type { HostEntry } from '../entries/host-entry.ts';

/** Names of secrets that mean something, as SPIRE has them. */
const DEFAULT_SVID = 'default';
export const OWN_ROOTS = 'ROOTCA';
export const ALL_ROOTS = 'ALL';

/** Which secrets are asked for; undefined for all. */
export type SecretNames = ReadonlySet<string> | undefined;

/** The names under which a certificate of this entry was asked for. */
export function certificateNames(entry: HostEntry, isDefault: boolean, names: SecretNames): readonly string[] {
  const spiffeId = entry.spiffeId.toString();
  if (names === undefined) return [spiffeId];
  return [spiffeId, ...(isDefault ? [DEFAULT_SVID] : [])].filter((name) => names.has(name));
}
