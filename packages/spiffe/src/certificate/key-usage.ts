import { readNamedBits, readOid } from '../der/primitives.ts';
import { DerProblem, type DerReader } from '../der/reader.ts';
import { TAG } from '../der/tag.ts';

/** KeyUsage bits by position (RFC 5280 §4.2.1.3). */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof KEY_USAGES)[number];

export function keyUsagePosition(usage: KeyUsage): number {
  return KEY_USAGES.indexOf(usage);
}

export function readKeyUsage(extension: DerReader): ReadonlySet<KeyUsage> {
  const usages = new Set<KeyUsage>();
  for (const position of readNamedBits(extension, 'the key usage')) {
    const usage = KEY_USAGES[position];
    if (usage === undefined) throw new DerProblem('the key usage has an unknown bit');
    usages.add(usage);
  }
  if (usages.size === 0) throw new DerProblem('the key usage is empty');
  return usages;
}

/** Dotted purposes of an ExtKeyUsageSyntax (RFC 5280 §4.2.1.12). */
export function readExtendedKeyUsage(extension: DerReader): readonly string[] {
  const what = 'the extended key usage';
  const purposes = extension.enter(TAG.sequence, what);
  if (purposes.done) throw new DerProblem(`${what} is empty`);
  const names: string[] = [];
  while (!purposes.done) names.push(readOid(purposes, what));
  return names;
}
