import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import type { AdminClient } from './admin.ts';

/** A policy file of the shop. */
export interface PolicyFile {
  readonly file: string;
  readonly text: string;
}

/** Port that the files name for the frontend. */
const FRONTEND_PORT = 8080;
/** Resources, and rules of the registry. */
const POLICY_FILE = /\.(?:yaml|hcl)$/;
/** The file that depends on the frontend's port. */
export const FRONTEND_POLICY = 'frontend.yaml';

export async function readPolicies(directory: string): Promise<PolicyFile[]> {
  const names = (await readdir(directory)).filter((name) => POLICY_FILE.test(name)).toSorted();
  return Promise.all(names.map((name) => readPolicy(directory, name)));
}

async function readPolicy(directory: string, name: string): Promise<PolicyFile> {
  return { file: name, text: await readFile(join(directory, name), 'utf8') };
}

/** The frontend's policy for the port it really listens on. */
export function atPort(policy: PolicyFile, port: number): PolicyFile {
  return { file: policy.file, text: policy.text.replace(`    ${FRONTEND_PORT}:`, `    ${port}:`) };
}

/**
 * Applies files as one document each, before the services that they are about start; resolves to the number of resources that
 * are now in force.
 */
export async function applyPolicies(admin: AdminClient, policies: readonly PolicyFile[]): Promise<number> {
  const counts = await Promise.all(
    policies.map(async ({ file, text }) => {
      const answer = await admin.apply({ document: text, file, allowUnknownServices: true });
      const errors = answer.problems.filter((problem) => problem.severity === 'error');
      if (errors.length > 0) throw refused(errors);
      return answer.resources.length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

interface ProblemPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

function refused(errors: readonly ProblemPlace[]): RampartError {
  const places = errors.map((problem) => `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`);
  return new RampartError('INVALID_RESOURCE', places.join('\n'));
}
