import type { RampartError, Result } from '@rampart/core';
import type { RegistrationRequest } from '../registration/registration.ts';
import type { Instance } from '../store.ts';
import type { RegistryIdentity } from './identity.ts';

/** Type of the audit record that a refusal leaves. */
export type RefusalEvent =
  | 'REGISTRATION_DENIED'
  | 'REGISTRATION_PENDING'
  | 'IDENTITY_MISMATCH'
  | 'NETWORK_VIOLATION'
  | 'DEREGISTRATION_DENIED';

export interface AdmissionRefusal {
  readonly event: RefusalEvent;
  /** What the caller is told. */
  readonly error: RampartError;
  /** What the record keeps beside the fields of every record. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** What is done to an instance that is registered already. */
export type InstanceAction = 'deregister' | 'drain' | 'maintenance' | 'report' | 'renew';

/**
 * Who may do what to the registry. Asked after the request was found well-formed and before anything is changed; the
 * registry itself sees to it that an instance id belongs to the owner that registered it first.
 */
export interface Admission {
  /** Whether a registration may be made. */
  admit(
    identity: RegistryIdentity,
    request: RegistrationRequest,
  ): Result<void, AdmissionRefusal> | Promise<Result<void, AdmissionRefusal>>;
  /** Whether something may be done to an instance. */
  manage(
    identity: RegistryIdentity,
    instance: Instance,
    action: InstanceAction,
  ): Result<void, AdmissionRefusal> | Promise<Result<void, AdmissionRefusal>>;
}
