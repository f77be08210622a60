import { errorMonitor } from 'node:events';
import type { EventEmitter } from 'node:events';
import type { TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import type { Clock } from '@rampart/core';
import type { RevocableCertificate } from '@rampart/spiffe';

import type { DataPlane } from '../data-plane.ts';
import { identityRefusal } from '../inbound/connection.ts';
import { holdTo } from './connection-settings.ts';
import { dial } from './dial.ts';
import type { Egress } from './egress.ts';
import type { OpenConnections } from './open-connections.ts';
import type { Target } from './outbound.ts';
import { isUnreached, markUnproved, Unanswered } from './unanswered.ts';

export interface DiallerOptions {
  readonly plane: DataPlane;
  readonly clock: Clock;
  readonly egress: Egress;
  readonly connections: OpenConnections;
}

/** Opens connections to instances, on which nothing is sent until the peer has proved the identity that the registry names. */
export class Dialler {
  readonly #options: DiallerOptions;
  readonly #unanswered: Unanswered;

  constructor(options: DiallerOptions) {
    this.#options = options;
    const { clock, plane } = options;
    const { picker, view } = plane;
    this.#unanswered = new Unanswered({ picker, view, clock, dial: (target) => this.dial(target) });
  }

  /** @throws RampartError IDENTITY_NOT_READY */
  dial(target: Target, protocols?: readonly string[]): TLSSocket {
    const { plane, clock, egress, connections } = this.#options;
    const svid = plane.identity.current;
    if (svid === undefined) throw new RampartError('IDENTITY_NOT_READY', 'this workload has no identity yet');
    const { view } = plane;
    const revocationOf = (certificate: RevocableCertificate): string | undefined => view.revocationOf(certificate);
    let peer: RevocableCertificate | undefined;
    const socket = connections.judged(
      () =>
        dial({
          ...target,
          ...(protocols === undefined ? {} : { protocols }),
          svid,
          revocationOf,
          now: () => clock.now(),
          identified: (who) => {
            peer = who;
          },
        }),
      () => {
        const revocation = peer === undefined ? undefined : revocationOf(peer);
        if (revocation !== undefined) return identityRefusal(revocation);
        return egress.toEndpoint(target.service, target.endpoint);
      },
    );
    const { service, endpoint } = target;
    const settings = view.traffic
      .forService(service.namespace, service.name, endpoint.port)
      ?.policy(undefined).connections;
    if (settings !== undefined) holdTo(settings, socket, { clock, where: endpoint.address });
    // Only watched: whether somebody handles it is the application's own business.
    const emitter: EventEmitter = socket;
    emitter.once(errorMonitor, (error: Error) => {
      if (peer === undefined) markUnproved(error);
      if (isUnreached(error)) this.#unanswered.notice(target);
    });
    return socket;
  }
}
