import { fail, ok, RampartError, type Result } from '@rampart/core';
import type { RegistrationRequest } from '../registration/registration.ts';
import type { Instance } from '../store.ts';
import type { Admission, AdmissionRefusal, InstanceAction } from './admission.ts';
import { nameOfIdentity, type RegistryIdentity } from './identity.ts';

/**
 * The rule where no other is configured: a workload registers the service that it was attested as, in its own namespace,
 * and does with its own instances what it likes; operators may do everything; nobody else may do anything.
 */
export const ownServiceAdmission: Admission = { admit, manage };

function admit(identity: RegistryIdentity, request: RegistrationRequest): Result<void, AdmissionRefusal> {
  if (identity.kind === 'operator') return ok(undefined);
  const name = nameOfIdentity(identity);
  if (identity.kind !== 'spiffe') {
    return refused('REGISTRATION_DENIED', `${name} may not register services`, { reason: 'no identity of the mesh' });
  }
  const { namespace, service } = request;
  if (identity.id.namespace !== namespace) {
    const message = `${name} may not register in the namespace ${namespace}; a workload registers in its own`;
    return refused('IDENTITY_MISMATCH', message, { namespace });
  }
  if (identity.service !== undefined && identity.service !== service) {
    const message = `${name} was not attested as the service ${service}; a workload registers its own service`;
    return refused('IDENTITY_MISMATCH', message, { namespace, attested: identity.service });
  }
  return ok(undefined);
}

function manage(
  identity: RegistryIdentity,
  { instanceId, owner }: Instance,
  action: InstanceAction,
): Result<void, AdmissionRefusal> {
  if (identity.kind === 'operator' || nameOfIdentity(identity) === owner) return ok(undefined);
  const message = `instance ${JSON.stringify(instanceId)} is held by another identity; use an instance id of your own`;
  return refused('DEREGISTRATION_DENIED', message, { reason: 'held by another identity', holder: owner, action });
}

function refused(
  event: AdmissionRefusal['event'],
  message: string,
  details: AdmissionRefusal['details'],
): Result<never, AdmissionRefusal> {
  return fail({ event, error: new RampartError('PERMISSION_DENIED', message), details });
}
