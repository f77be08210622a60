import { fail, RampartError, type Result } from '@rampart/core';
import type { AdmissionRefusal } from '../admission/admission.ts';
import { nameOfIdentity, type RegistryIdentity } from '../admission/identity.ts';
import type { RegistrationRequest } from './registration.ts';

/** Operators alone say whose identity answers elsewhere; with anybody else's word for it, a name could be led to nowhere. */
export function foreignIdentity(
  who: RegistryIdentity,
  { identity }: RegistrationRequest,
): Result<never, AdmissionRefusal> | undefined {
  const own = who.kind === 'spiffe' ? who.id.toString() : '';
  if (who.kind === 'operator' || identity === undefined || identity === own) return undefined;
  const message = `${nameOfIdentity(who)} may not register an instance of another identity; leave the identity out`;
  return fail({
    event: 'IDENTITY_MISMATCH',
    error: new RampartError('PERMISSION_DENIED', message),
    details: { asked: identity },
  });
}

/** Checks that would lead somewhere else than to the instance. */
export function unwantedChecks(problem: string): AdmissionRefusal {
  const error = new RampartError('INVALID_ARGUMENT', `this registration was refused: ${problem}`);
  return { event: 'REGISTRATION_DENIED', error, details: { reason: problem } };
}
