import { X509Certificate } from 'node:crypto';
import type { Attestor } from '@rampart/core';
import { fromPem } from '@rampart/spiffe';
import { readForeign } from './x509pop/foreign-chain.ts';

/** What in a resource only cryptography can tell, by field. */
export interface AttestorProblem {
  readonly field: string;
  readonly message: string;
}

/** Why an attestor could believe nobody; undefined when it can be used. */
export function attestorProblem({ spec }: Attestor): AttestorProblem | undefined {
  const texts = [
    ['spec.x509pop.roots', spec.x509pop?.roots, rootProblem],
    ['spec.jwt.caBundle', spec.jwt?.caBundle, certificateProblem],
    ['spec.awsIam.caBundle', spec.awsIam?.caBundle, certificateProblem],
  ] as const;
  for (const [field, text, problemOf] of texts) {
    const problem = text === undefined ? undefined : pemProblem(text, problemOf);
    if (problem !== undefined) return { field, message: problem };
  }
  return undefined;
}

function pemProblem(text: string, problemOf: (der: Uint8Array) => string | undefined): string | undefined {
  try {
    const certificates = fromPem(text);
    const problems = certificates.map(problemOf);
    const index = problems.findIndex((problem) => problem !== undefined);
    return index === -1 ? undefined : `certificate ${index + 1} cannot be used: ${problems[index] ?? ''}`;
  } catch {
    return 'holds no certificates in PEM';
  }
}

function rootProblem(der: Uint8Array): string | undefined {
  const certificate = readForeign(der);
  if (!certificate.ok) return certificate.problem;
  return certificate.value.parsed.isCa ? undefined : 'it is not one of a CA';
}

function certificateProblem(der: Uint8Array): string | undefined {
  try {
    void new X509Certificate(der);
    return undefined;
  } catch {
    return 'it cannot be read';
  }
}
