import { readFileSync } from 'node:fs';

import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { readEvidence, readTraits } from '@rampart/mesh';
import type { ControlPlaneAddress, InstanceTraits, WorkloadEvidence } from '@rampart/mesh';
import { fromPem } from '@rampart/spiffe';

export type LogLevel = 'silent' | 'error' | 'info' | 'debug';

/** How this process joins the mesh, read from its environment once. */
export interface NodeConfig {
  readonly address: ControlPlaneAddress;
  readonly evidence: WorkloadEvidence;
  /** "" means "the address the control plane sees". */
  readonly instanceHost: string;
  /** What its instances say of themselves. */
  readonly traits: InstanceTraits;
  readonly spoolDirectory: string;
  readonly logLevel: LogLevel;
  /** How long the application waits for its identity before it starts anyway, refusing everything. */
  readonly startTimeoutMs: number;
  /** Where metrics and health are asked; nothing is counted without. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
}

type Environment = Record<string, string | undefined>;

const DEFAULT_START_TIMEOUT_MS = 10_000;
const LOG_LEVELS: readonly LogLevel[] = ['silent', 'error', 'info', 'debug'];

/**
 * Reads every setting before reporting, so that all problems come at once. The join token is taken out of the
 * environment. A worker of a cluster has its evidence from its parent.
 */
export function readConfig(
  env: Environment,
  defaultSpoolDirectory: string,
  ofParent?: WorkloadEvidence,
): Result<NodeConfig, readonly string[]> {
  const problems: string[] = [];
  const url = readUrl(env, problems);
  const roots = readRoots(env, problems);
  const evidence = ofParent ?? readEvidence(env, problems);
  const logLevel = readLogLevel(env, problems);
  const startTimeoutMs = readStartTimeout(env, problems);
  const traits = readTraits(env, problems);
  const metrics = readMetrics(env, problems);
  if (problems.length > 0 || url === undefined || evidence === undefined) return fail(problems);
  return ok({
    address: { url, roots, rootNamespace: env['RAMPART_ROOT_NAMESPACE'] ?? 'istio-system' },
    evidence,
    instanceHost: env['RAMPART_INSTANCE_HOST'] ?? '',
    traits,
    spoolDirectory: env['RAMPART_SPOOL_DIRECTORY'] ?? defaultSpoolDirectory,
    logLevel,
    startTimeoutMs,
    metrics,
  });
}

function readUrl(env: Environment, problems: string[]): URL | undefined {
  const text = env['RAMPART_CONTROL_PLANE'];
  if (text === undefined || text === '') {
    problems.push(
      'RAMPART_CONTROL_PLANE is not set (start the service with `rampart run -- node app.js`, or set it to the https address of the control plane)',
    );
    return undefined;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  problems.push('RAMPART_CONTROL_PLANE must be an https URL such as https://127.0.0.1:8443');
  return undefined;
}

function readRoots(env: Environment, problems: string[]): readonly Uint8Array[] {
  const file = env['RAMPART_CA_FILE'];
  if (file === undefined || file === '') {
    problems.push(
      'RAMPART_CA_FILE is not set (the PEM file of the trust bundle, .rampart/ca.pem of the control plane)',
    );
    return [];
  }
  try {
    const roots = fromPem(readFileSync(file, 'utf8'));
    if (roots.length === 0) problems.push(`RAMPART_CA_FILE: ${file} holds no certificate`);
    return roots;
  } catch (cause) {
    problems.push(`RAMPART_CA_FILE: cannot read ${file}: ${cause instanceof Error ? cause.message : 'unknown error'}`);
    return [];
  }
}

function readLogLevel(env: Environment, problems: string[]): LogLevel {
  const text = env['RAMPART_LOG'] ?? 'error';
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) problems.push(`RAMPART_LOG must be one of ${LOG_LEVELS.join(', ')}`);
  return level ?? 'error';
}

function readStartTimeout(env: Environment, problems: string[]): number {
  const text = env['RAMPART_START_TIMEOUT_MS'];
  if (text === undefined) return DEFAULT_START_TIMEOUT_MS;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  problems.push('RAMPART_START_TIMEOUT_MS must be a whole number of milliseconds');
  return DEFAULT_START_TIMEOUT_MS;
}

const LAST_PORT = 65_535;

function readMetrics(env: Environment, problems: string[]): NodeConfig['metrics'] {
  const text = env['RAMPART_METRICS_PORT'] ?? '';
  if (text === '') return undefined;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > LAST_PORT) problems.push('RAMPART_METRICS_PORT must be a port, or 0 for any');
  return { host: env['RAMPART_METRICS_HOST'] ?? '127.0.0.1', port };
}
