import { RampartError } from '@rampart/core';

import { readEvidence } from './evidence-settings.ts';
import type { WorkloadEvidence } from './evidence.ts';

/**
 * What a process shows for its first certificate, by the settings that data planes have: RAMPART_ATTESTATION and the variables
 * that it needs.
 *
 * @throws RampartError INVALID_ARGUMENT with every problem at once.
 */
export function evidenceOf(env: Readonly<Record<string, string | undefined>>): WorkloadEvidence {
  const problems: string[] = [];
  const evidence = readEvidence({ ...env }, problems);
  if (evidence !== undefined && problems.length === 0) return evidence;
  throw new RampartError('INVALID_ARGUMENT', problems.join('; '));
}
