import { fail, ok, RampartError, type Result } from '@rampart/core';
import type { RegistryAccess } from '../access/authorization.ts';
import type { Decision, RegistryPolicy } from '../access/registry-policy.ts';
import type { RegistrationRequest } from '../registration/registration.ts';
import type { Instance } from '../store.ts';
import type { Admission, AdmissionRefusal, InstanceAction } from './admission.ts';
import type { Approvals } from './approval/approvals.ts';
import { nameOfIdentity, type RegistryIdentity } from './identity.ts';

export interface SecureAdmissionOptions {
  readonly access: RegistryAccess;
  readonly approvals: Approvals;
}

/** See `SecureAdmission.standing`. */
export type RegistrationStanding = 'admitted' | 'waiting' | 'refused';

type Admitted = Result<void, AdmissionRefusal>;

/**
 * SecureRegister: who was authenticated (at the door) must be authorized to register the service, be an identity that belongs
 * to it, and name a host in its networks; where approval is asked for, a person must have let it in. Each refusal has its own
 * audit type and text.
 */
export class SecureAdmission implements Admission {
  readonly #access: RegistryAccess;
  readonly #approvals: Approvals;

  constructor({ access, approvals }: SecureAdmissionOptions) {
    this.#access = access;
    this.#approvals = approvals;
  }

  admit(who: RegistryIdentity, request: RegistrationRequest): Admitted | Promise<Admitted> {
    const { policy } = this.#access;
    const { service, namespace, host, port, sourceIp = '' } = request;
    const decision = this.#access.authorizeRequest(who, 'write', { service, namespace, sourceIp });
    const refusal = refusalOf(who, request, { policy, decision });
    if (refusal !== undefined) return fail(refusal);
    const { approval = 'off' } = policy.settings;
    const standing = { service, namespace, identity: nameOfIdentity(who) };
    const state = this.#approvals.stateOf(standing, approval);
    if (state === 'approved') return ok(undefined);
    if (state === 'rejected') {
      return fail(refused('REGISTRATION_DENIED', 'Registration was rejected', { reason: 'rejected by an operator' }));
    }
    return this.#approvals.request({ ...standing, host, port, sourceIp }).then(
      () => fail(waiting(approval, host)),
      (error: unknown) => {
        if (!(error instanceof RampartError) || error.code !== 'RATE_LIMITED') throw error;
        return fail({ event: 'REGISTRATION_DENIED', error, details: { reason: error.message } });
      },
    );
  }

  /**
   * How a registration that was made, or that waits, stands by what is in force now: it is admitted, a person has to let it in,
   * or it is refused. Nothing is recorded.
   */
  standing(who: RegistryIdentity, request: RegistrationRequest): RegistrationStanding {
    const { policy } = this.#access;
    const { service, namespace } = request;
    const decision = policy.decide(who, 'write', { service, namespace });
    if (refusalOf(who, request, { policy, decision }) !== undefined) return 'refused';
    const { approval = 'off' } = policy.settings;
    const state = this.#approvals.stateOf({ service, namespace, identity: nameOfIdentity(who) }, approval);
    if (state === 'approved') return 'admitted';
    return state === 'rejected' ? 'refused' : 'waiting';
  }

  manage(who: RegistryIdentity, instance: Instance, action: InstanceAction): Admitted {
    const { owner, namespace, service, instanceId } = instance;
    const { policy } = this.#access;
    const isOwner = nameOfIdentity(who) === owner;
    // A lease is a registration that goes on: whoever may no longer register loses it.
    const goesOn =
      action !== 'renew' || !policy.isWritten || policy.decide(who, 'write', { namespace, service }).allowed;
    if (isOwner && goesOn) return ok(undefined);
    const decision = policy.decide(who, 'admin', { namespace, service });
    if (decision.allowed) return ok(undefined);
    const details = { reason: 'held by another identity', holder: owner, action, namespace };
    if (!this.#access.wouldAllow(who, 'read', { namespace, service })) {
      // Whoever may not know of a service must not learn from a refusal that there is such an instance.
      const error = new RampartError('NOT_FOUND', `instance ${JSON.stringify(instanceId)} is not registered`);
      return fail({ event: 'DEREGISTRATION_DENIED', error, details });
    }
    const message = `instance ${JSON.stringify(instanceId)} is held by another identity; use an instance id of your own`;
    return fail(refused('DEREGISTRATION_DENIED', message, details));
  }
}

function refusalOf(
  who: RegistryIdentity,
  request: RegistrationRequest,
  { policy, decision }: { readonly policy: RegistryPolicy; readonly decision: Decision },
): AdmissionRefusal | undefined {
  const { namespace, host } = request;
  if (!decision.allowed) {
    const details = { namespace, reason: decision.reason };
    return refused('REGISTRATION_DENIED', 'Not authorized to register this service', details);
  }
  if (!policy.identities.matches(who, request)) {
    return refused('IDENTITY_MISMATCH', 'Identity does not match service name', { namespace });
  }
  const objection = policy.networks.objection(request, host);
  if (objection === undefined) return undefined;
  const details = { namespace, host, reason: objection };
  return refused('NETWORK_VIOLATION', 'Registration from unauthorized network', details);
}

function waiting(approval: string, host: string): AdmissionRefusal {
  const error = new RampartError('APPROVAL_PENDING', 'Registration is waiting for approval');
  return { event: 'REGISTRATION_PENDING', error, details: { approval, host } };
}

function refused(
  event: AdmissionRefusal['event'],
  message: string,
  details: AdmissionRefusal['details'],
): AdmissionRefusal {
  return { event, error: new RampartError('PERMISSION_DENIED', message), details };
}
