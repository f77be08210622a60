import type { HandlerContext } from '@connectrpc/connect';
import type { WorkloadIdentity } from '@rampart/authority';
import { BoundedCache, RampartError } from '@rampart/core';
import type { RegistryIdentity } from '@rampart/registry';
import { callerOf, connectionOf } from '../../caller.ts';
import type { Holder } from '../../peer.ts';

/** What the holder of a certificate was attested as. */
export type AttestedAs = (serial: string) => Promise<Pick<WorkloadIdentity, 'service'> | undefined>;

const MOST_KNOWN = 10_000;

/** Who calls, as the registry knows callers. */
export class RegistryCallers {
  readonly #attestedAs: AttestedAs;
  /** By serial: what was attested for a certificate does not change. */
  readonly #services = new BoundedCache<string, string>(MOST_KNOWN);

  constructor(attestedAs: AttestedAs) {
    this.#attestedAs = attestedAs;
  }

  async identityOf(context: Pick<HandlerContext, 'values'>): Promise<RegistryIdentity> {
    const caller = callerOf(context);
    if (caller?.kind === 'workload') return this.holder(caller.peer);
    if (caller?.kind === 'admin') return { kind: 'operator', name: caller.name };
    throw new RampartError('UNAUTHENTICATED', 'this method needs a client certificate of this mesh or a token');
  }

  /** Whoever holds a certificate that was judged. */
  async holder({ id, serial }: Pick<Holder, 'id' | 'serial'>): Promise<RegistryIdentity> {
    return { kind: 'spiffe', id, service: await this.#service(serial) };
  }

  async #service(serial: string): Promise<string> {
    const known = this.#services.get(serial);
    if (known !== undefined) return known;
    const service = (await this.#attestedAs(serial))?.service ?? '';
    this.#services.set(serial, service);
    return service;
  }
}

/** Throws when what a workload proved at the beginning of a stream holds no longer. */
export function checkStill(context: Pick<HandlerContext, 'values'>): void {
  if (callerOf(context)?.kind !== 'workload') return;
  const verified = connectionOf(context).peer();
  if (verified.ok) return;
  const { code, message } = verified.problem;
  throw new RampartError(code === 'REVOKED' ? 'CERTIFICATE_REVOKED' : 'INVALID_CERTIFICATE', message);
}
