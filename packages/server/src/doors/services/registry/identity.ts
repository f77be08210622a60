import type { HandlerContext } from '@connectrpc/connect';
import type { WorkloadIdentity } from '@rampart/authority';
import { BoundedCache, RampartError } from '@rampart/core';
import { nameOfIdentity, type RegistryIdentity } from '@rampart/registry';
import { callerOf, connectionOf } from '../../caller.ts';
import type { CallerLimits, Limited } from '../../limits/caller-limits.ts';
import { rateHeaders } from '../../limits/rate-headers.ts';
import type { Holder } from '../../peer.ts';

/** What the holder of a certificate was attested as. */
export type AttestedAs = (serial: string) => Promise<Pick<WorkloadIdentity, 'service'> | undefined>;

const MOST_KNOWN = 10_000;

/** Who calls, as the registry knows callers. */
export class RegistryCallers {
  readonly #attestedAs: AttestedAs;
  readonly #limits: CallerLimits;
  /** By serial: what was attested for a certificate does not change. */
  readonly #services = new BoundedCache<string, string>(MOST_KNOWN);

  constructor(attestedAs: AttestedAs, limits: CallerLimits) {
    this.#attestedAs = attestedAs;
    this.#limits = limits;
  }

  /** Who calls, if it may call so often; operators may. The answer says what is left. */
  async admit(limited: Limited, context: Pick<HandlerContext, 'values' | 'responseHeader'>): Promise<RegistryIdentity> {
    const who = await this.identityOf(context);
    if (who.kind === 'operator') return who;
    const { remoteAddress } = connectionOf(context);
    const identity = who.kind === 'anonymous' ? '' : nameOfIdentity(who);
    const allowance = this.#limits.admit(limited, { remoteAddress, identity });
    for (const [name, value] of Object.entries(rateHeaders(allowance))) context.responseHeader.set(name, value);
    return who;
  }

  async identityOf(context: Pick<HandlerContext, 'values'>): Promise<RegistryIdentity> {
    const caller = callerOf(context);
    if (caller?.kind === 'workload') return this.holder(caller.peer);
    if (caller?.kind === 'participant') return caller.identity;
    if (caller?.kind === 'admin') return { kind: 'operator', name: caller.name, looksOnly: caller.role !== 'admin' };
    throw new RampartError('UNAUTHENTICATED', 'this method needs a client certificate of this mesh or a token');
  }

  /** Whoever holds a certificate that was judged. */
  async holder({ id, serial }: Pick<Holder, 'id' | 'serial'>): Promise<RegistryIdentity> {
    return { kind: 'spiffe', id, service: await this.#service(serial), serial };
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
export function checkStill(context: Pick<HandlerContext, 'values'>, now: number): void {
  const caller = callerOf(context);
  if (caller?.kind === 'participant' && now >= (caller.until ?? Number.POSITIVE_INFINITY)) {
    throw new RampartError('UNAUTHENTICATED', 'Invalid token');
  }
  if (caller?.kind !== 'workload') return;
  const verified = connectionOf(context).peer();
  if (verified.ok) return;
  const { code, message } = verified.problem;
  throw new RampartError(code === 'REVOKED' ? 'CERTIFICATE_REVOKED' : 'INVALID_CERTIFICATE', message);
}
