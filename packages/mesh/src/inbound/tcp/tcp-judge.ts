import type { Clock } from '@rampart/core';

import type { ExternalAuthorizer } from '../external/external-authorizer.ts';
import type { MeshView } from '../../view/mesh-view.ts';
import { TcpStay } from './tcp-stay.ts';
import type { TcpApplicant } from './tcp-stay.ts';

export interface TcpJudgeOptions {
  readonly view: MeshView;
  readonly external: ExternalAuthorizer;
  readonly clock: Clock;
  /** SPIFFE ID of this workload; "" while it has none. */
  ownPrincipal(): string;
}

/** The stay of one connection; to be left when the connection is over, however it ended. */
export interface Stay {
  leave(): void;
}

/**
 * Judges connections that carry something else than HTTP, and goes on while they are open: when policies, revocations or
 * what is known of peers change, and when a peer's certificate ends. One for each data plane.
 */
export class TcpJudge {
  readonly #options: TcpJudgeOptions;
  readonly #stays = new Set<TcpStay>();
  readonly #unsubscribe: () => void;

  constructor(options: TcpJudgeOptions) {
    this.#options = options;
    this.#unsubscribe = options.view.subscribe((change) => {
      if (!change.policy && !change.revocations && !change.peers && !change.foreignTrust) return;
      for (const stay of [...this.#stays]) stay.judge();
    });
  }

  /** Connections that are judged again at every change. */
  get open(): number {
    return this.#stays.size;
  }

  /** Judges at once where nobody has to be asked: `admitted` or `refused` may be called before this returns. */
  enter(applicant: TcpApplicant): Stay {
    const stay = new TcpStay(applicant, { ...this.#options, over: () => this.#stays.delete(stay) });
    this.#stays.add(stay);
    stay.judge();
    return stay;
  }

  close(): void {
    this.#unsubscribe();
    for (const stay of [...this.#stays]) stay.leave();
  }
}
