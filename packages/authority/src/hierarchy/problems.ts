import { RampartError } from '@rampart/core';
import type { AuthorityState, CaCertificateRecord } from '../store.ts';
import type { HeldAuthority } from './held-authority.ts';

/** @throws RampartError INVALID_ARGUMENT unless the authority is in one of these states. */
export function demandState({ record }: HeldAuthority, states: readonly AuthorityState[], otherwise: string): void {
  if (states.includes(record.state)) return;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `the ${record.kind} ${record.serial} is ${record.state}: ${otherwise}; see "rampart ca show"`,
  );
}

/** What cannot be made, because the key that would sign it is not here. */
export function elsewhere(kind: CaCertificateRecord['kind'], remedy: string): RampartError {
  return new RampartError(
    'INVALID_ARGUMENT',
    `no ${kind} can be made here, its signing key is kept elsewhere; ${remedy}`,
  );
}

export function nothingSigns(): RampartError {
  return new RampartError(
    'IDENTITY_NOT_READY',
    'this authority has no intermediate that is valid now; have one signed with: rampart ca request, rampart ca install',
  );
}
