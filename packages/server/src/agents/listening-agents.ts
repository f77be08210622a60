import type { Holder } from '../doors/peer.ts';
import type { AgentSync } from './agent-sync.ts';

/** Every agent that listens now. */
export class ListeningAgents {
  readonly #syncs = new Set<AgentSync>();

  get size(): number {
    return this.#syncs.size;
  }

  holders(): readonly Holder[] {
    return [...this.#syncs].map(({ agent }) => agent);
  }

  add(sync: AgentSync): Disposable {
    this.#syncs.add(sync);
    return { [Symbol.dispose]: () => void this.#syncs.delete(sync) };
  }

  /** Has every agent replace what stands on one of these authorities (serials) now: its own certificate, and those it handed out. */
  rotate(authorities: readonly string[]): void {
    for (const sync of this.#syncs) {
      if (sync.agent.issuerSerials.some((serial) => authorities.includes(serial))) sync.rotate();
      else sync.wake();
    }
  }

  /** Has the agent that holds a certificate renew it now; false when it does not listen. */
  rotateHolder(serial: string): boolean {
    const own = [...this.#syncs].filter(({ agent }) => agent.serial === serial);
    for (const sync of own) sync.rotate();
    return own.length > 0;
  }
}
