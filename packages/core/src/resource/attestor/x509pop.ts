import type { Cursor } from '../cursor.ts';
import { readCertificates } from './pem-text.ts';

/** Certificates of another authority, whose key the newcomer proves to hold. */
export interface X509PopAttestor {
  /** PEM certificates that chains must lead to. */
  readonly roots: string;
  /** Between leaf and root; 4 unless given (SPIRE's default). */
  readonly maxIntermediates?: number;
  /** Longest RSA key that is verified with; 8192 unless given (SPIRE's default). */
  readonly maxRsaBits?: number;
}

export function readX509Pop(at: Cursor): X509PopAttestor | undefined {
  const fields = at.fields<X509PopAttestor>({
    roots: readCertificates,
    maxIntermediates: (number) => number.integer('a number of certificates', { min: 0, max: 8 }),
    maxRsaBits: (number) => number.integer('a number of bits', { min: 2048, max: 16_384 }),
  });
  if (fields === undefined) return undefined;
  if (at.child('roots').value === undefined) at.error('needs roots: the PEM certificates that chains lead to');
  const { roots, ...rest } = fields;
  return roots === undefined ? undefined : { ...rest, roots };
}
