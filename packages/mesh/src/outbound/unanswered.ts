import type { TLSSocket } from 'node:tls';

import type { Clock } from '@rampart/core';

import type { MeshView } from '../view/mesh-view.ts';
import type { Target } from './outbound.ts';
import type { Picker } from './pick.ts';

export interface UnansweredOptions {
  readonly picker: Picker;
  readonly view: MeshView;
  readonly clock: Clock;
  /** Opens a connection to try whether somebody answers again. */
  readonly dial: (target: Target) => TLSSocket;
}

const LOOK_AGAIN_MS = 5000;

/**
 * Instances where nobody answers. One that was killed stays registered until its lease is over, and one that leaves until that
 * is known here: others are asked meanwhile. No request has to find out that somebody answers again.
 */
export class Unanswered {
  readonly #options: UnansweredOptions;

  constructor(options: UnansweredOptions) {
    this.#options = options;
  }

  notice(target: Target): void {
    if (this.#options.picker.avoid(target.endpoint)) this.#wait(target);
  }

  #wait(target: Target): void {
    this.#options.clock.after(LOOK_AGAIN_MS, () => this.#look(target));
  }

  #look(target: Target): void {
    const { picker } = this.#options;
    // What speaks first, or to whoever comes, is not called without a reason.
    if (!this.#isRegistered(target) || target.endpoint.protocol === 'tcp') {
      picker.readmit(target.endpoint);
      return;
    }
    try {
      const socket = this.#options.dial(target);
      socket.unref();
      socket.once('error', () => undefined);
      socket.once('secureConnect', () => {
        picker.readmit(target.endpoint);
        socket.destroy();
      });
      socket.once('close', () => {
        if (picker.isAvoided(target.endpoint)) this.#wait(target);
      });
    } catch {
      // Without an identity nobody can be called: later.
      this.#wait(target);
    }
  }

  #isRegistered({ service, endpoint }: Target): boolean {
    const known = this.#options.view.service(service.name, service.namespace);
    return known?.endpoints.some(({ instanceId }) => instanceId === endpoint.instanceId) ?? false;
  }
}

const beforeProof = new WeakSet<Error>();

/** What comes is no TLS: the peer was spoken to too late, and took its caller for one without TLS that waits to be spoken to. */
const NO_TLS = 'ERR_SSL_WRONG_VERSION_NUMBER';

/** To be told of what ended a connection before the peer had proved who it is: one that hangs up is going away, or has only begun. */
export function markUnproved(error: Error): void {
  if ('code' in error && (error.code === 'ECONNRESET' || error.code === NO_TLS)) beforeProof.add(error);
}

/**
 * Whether nothing was sent, because there was no connection: somebody else may be asked instead. A peer with a certificate that is
 * none, or not that of whom the registry says, is no such case, and is told.
 */
export function isUnreached(error: Error): boolean {
  return ('syscall' in error && error.syscall === 'connect') || beforeProof.has(error);
}
