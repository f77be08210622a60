import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { WorkloadEvidence } from '@rampart/mesh';
import { fromPem } from '@rampart/spiffe';

type Environment = Record<string, string | undefined>;

const KINDS = ['join-token', 'jwt', 'x509pop'] as const;

/** What this process shows for its identity. The join token is taken out of the environment. */
export function readEvidence(env: Environment, problems: string[]): WorkloadEvidence | undefined {
  const kind = env['RAMPART_ATTESTATION'] ?? 'join-token';
  const token = takeJoinToken(env);
  switch (kind) {
    case 'join-token':
      return { kind, token: token ?? readJoinTokenFile(env, problems) };
    case 'jwt': {
      const file = required(env, 'RAMPART_JWT_FILE', problems);
      return { kind, read: () => readFileSync(file, 'utf8').trim() };
    }
    case 'x509pop': {
      const certificates = required(env, 'RAMPART_X509POP_CERT_FILE', problems);
      const key = required(env, 'RAMPART_X509POP_KEY_FILE', problems);
      return {
        kind,
        read: () => ({
          chain: fromPem(readFileSync(certificates, 'utf8')),
          key: createPrivateKey(readFileSync(key, 'utf8')),
        }),
      };
    }
    default:
      problems.push(`RAMPART_ATTESTATION must be one of ${KINDS.join(', ')}`);
      return undefined;
  }
}

function required(env: Environment, name: string, problems: string[]): string {
  const value = env[name] ?? '';
  if (value === '')
    problems.push(`${name} is not set: RAMPART_ATTESTATION=${env['RAMPART_ATTESTATION'] ?? ''} needs it`);
  return value;
}

/** A child process must not inherit the credential of its parent. */
function takeJoinToken(env: Environment): string | undefined {
  const token = env['RAMPART_JOIN_TOKEN'];
  delete env['RAMPART_JOIN_TOKEN'];
  return token === '' ? undefined : token;
}

function readJoinTokenFile(env: Environment, problems: string[]): string {
  const file = env['RAMPART_JOIN_TOKEN_FILE'];
  if (file === undefined || file === '') {
    problems.push(
      'neither RAMPART_JOIN_TOKEN nor RAMPART_JOIN_TOKEN_FILE is set (get a token with `rampart token create`)',
    );
    return '';
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    problems.push(
      `RAMPART_JOIN_TOKEN_FILE: cannot read ${file}: ${cause instanceof Error ? cause.message : 'unknown error'}`,
    );
    return '';
  }
}
