import { RampartError } from '@rampart/core';
import { parseVerifierKey, type VerifierKey } from '@rampart/journal';
import { readText } from '../commands/ca/files.ts';
import type { Io } from '../io.ts';

/** Said where no key was given. */
export const KEY_FROM_THERE =
  'the key is what the control plane says, which proves nothing against the control plane itself: keep it once (rampart audit key > kept.vkey), and give it from then on (--key kept.vkey)';

/** The key that was given with `--key`: its text, or the file that holds it. Throws INVALID_ARGUMENT. */
export async function readVerifierKey(given: string, io: Io): Promise<VerifierKey> {
  const direct = parseVerifierKey(given);
  if (direct.ok) return direct.value;
  const text = (await readText(given, io).catch(() => given)).trim();
  return verifierKey(text, '--key');
}

/** The key that the control plane named. */
export function verifierKey(text: string, where: string): VerifierKey {
  const key = parseVerifierKey(text);
  if (key.ok) return key.value;
  throw new RampartError('INVALID_ARGUMENT', `${where}: ${key.problem}; "rampart audit key" shows it`);
}
