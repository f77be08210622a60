import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import type { PeerCredentials } from '../workload/peer-credentials.ts';
import { uptimeSeconds } from '../workload/process-facts.ts';
import { workloadSelectors } from '../workload/selectors.ts';
import type { SelectorSources } from '../workload/selectors.ts';

type Selectors = Result<ReadonlySet<string>, string>;

/** The process at the other end of one connection. */
export class Caller {
  readonly credentials: Result<PeerCredentials, string>;
  readonly #sources: SelectorSources;
  readonly #connectedAt: Promise<number>;
  readonly #atFirst: Promise<Selectors>;
  #most: ReadonlySet<string> | undefined;

  /** To be made while the connection is new: the process is looked at now. */
  constructor(credentials: Result<PeerCredentials, string>, sources: SelectorSources) {
    this.#sources = sources;
    this.credentials = credentials;
    this.#connectedAt = uptimeSeconds();
    this.#atFirst = this.#look();
  }

  /** All that can ever be true of the process on this connection; undefined while nothing is known. */
  get mostSelectors(): ReadonlySet<string> | undefined {
    return this.#most;
  }

  /**
   * What was true of the process when it connected and still is. A process that has become another program since, or that
   * has ended and left its connection to a child, gets nothing by that.
   */
  async selectors(): Promise<Selectors> {
    const atFirst = await this.#atFirst;
    if (!atFirst.ok) return atFirst;
    this.#most = atFirst.value;
    const now = await this.#look();
    if (!now.ok) return now;
    return ok(new Set([...now.value].filter((selector) => atFirst.value.has(selector))));
  }

  async #look(): Promise<Selectors> {
    if (!this.credentials.ok) return this.credentials;
    try {
      return await workloadSelectors(this.credentials.value, await this.#connectedAt, this.#sources);
    } catch (cause) {
      return fail(
        `nothing can be found out about the caller: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
    }
  }
}
