import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { fromPem } from '@rampart/spiffe';

import { readAwsCredentials } from './aws/credentials.ts';
import type { WorkloadEvidence } from './evidence.ts';

type Environment = Record<string, string | undefined>;

const KINDS = ['join-token', 'jwt', 'x509pop', 'aws-iam'] as const;
const USUAL_REGION = 'us-east-1';

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
    case 'aws-iam':
      return awsEvidence(env, problems);
    default:
      problems.push(`RAMPART_ATTESTATION must be one of ${KINDS.join(', ')}`);
      return undefined;
  }
}

/** The endpoint must be the one that the Attestor names: only there is the request sent. */
function awsEvidence(env: Environment, problems: string[]): WorkloadEvidence | undefined {
  const named = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  const usual = named === undefined ? 'https://sts.amazonaws.com/' : `https://sts.${named}.amazonaws.com/`;
  const text = env['RAMPART_AWS_STS_ENDPOINT'] ?? usual;
  const endpoint = URL.canParse(text) ? new URL(text) : undefined;
  if (endpoint?.protocol === 'https:' && endpoint.pathname === '/') {
    return { kind: 'aws-iam', endpoint, region: named ?? USUAL_REGION, read: () => readAwsCredentials(env) };
  }
  problems.push('RAMPART_AWS_STS_ENDPOINT must be an https URL without path, such as https://sts.amazonaws.com/');
  return undefined;
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
