import { hash } from 'node:crypto';
import { RampartError, SpiffeId } from '@rampart/core';
import type { TrustDomain } from '@rampart/core';

const SEGMENT = /^[A-Za-z0-9._-]{1,128}$/;
const HASHED = 'sha256-';

/** A path segment for a name of any form: the name itself where it can be one, else its hash. Two names never share one. */
export function segmentOf(name: string): string {
  const isPlain = SEGMENT.test(name) && !name.startsWith(HASHED) && name !== '.' && name !== '..';
  return isPlain ? name : `${HASHED}${hash('sha256', name, 'hex')}`;
}

/**
 * `spiffe://<trust domain>/agent/<attestor>/<id>`; `id` may have several segments. Throws `RampartError` INVALID_ARGUMENT when
 * that is no SPIFFE ID.
 */
export function agentIdOf(trustDomain: TrustDomain, attestor: string, id: string): SpiffeId {
  const parsed = SpiffeId.parse(`spiffe://${trustDomain.name}/agent/${attestor}/${id}`);
  if (parsed.ok) return parsed.value;
  throw new RampartError('INVALID_ARGUMENT', `${JSON.stringify(id)} names no agent: ${parsed.problem}`);
}
