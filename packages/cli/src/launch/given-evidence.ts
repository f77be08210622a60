import { resolve } from 'node:path';
import type { Io } from '../io.ts';

type Evidence = Readonly<Record<string, string | undefined>>;

const NAMES = ['RAMPART_ATTESTATION', 'RAMPART_JOIN_TOKEN', 'RAMPART_JOIN_TOKEN_FILE'] as const;

/** What a workload or agent is to show for its identity, as environment; undefined where nobody said, and a token is to be made. */
export function givenEvidence(
  { joinTokenFile }: { readonly joinTokenFile?: string },
  { env, workingDirectory }: Pick<Io, 'env' | 'workingDirectory'>,
): Evidence | undefined {
  if (joinTokenFile !== undefined) {
    return { RAMPART_ATTESTATION: 'join-token', RAMPART_JOIN_TOKEN_FILE: resolve(workingDirectory, joinTokenFile) };
  }
  return NAMES.some((name) => (env[name] ?? '') !== '') ? env : undefined;
}

/** Whether it can be shown only once. */
export function isForOneStart(evidence: Evidence): boolean {
  return (evidence['RAMPART_ATTESTATION'] ?? 'join-token') === 'join-token';
}
