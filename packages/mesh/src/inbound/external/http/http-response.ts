import { isFixedInRequest, isFraming } from '@rampart/core';
import type { ExtAuthzProvider } from '@rampart/core';

import { failed, NO_QUERY_CHANGE } from '../answer.ts';
import type { HeaderChange, Reply } from '../answer.ts';
import { HeaderNames } from '../header-names.ts';
import { headerPairs } from '../raw-headers.ts';

/** Taken out of an allowing answer: names of request headers to remove, separated by commas (Envoy). */
const REMOVE_HEADER = 'x-envoy-auth-headers-to-remove';
/** Passed on with a denial besides those that the provider names (Envoy `toClientMatchers`). */
const ALWAYS_PASSED_ON_DENY = ['www-authenticate', 'location'];

export interface HttpAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array;
}

/** The lists of one provider, made once. */
export class HttpAnswerReader {
  readonly #upstream: HeaderNames;
  readonly #downstreamOnAllow: HeaderNames;
  readonly #downstreamOnDeny: HeaderNames;

  constructor(provider: ExtAuthzProvider) {
    this.#upstream = new HeaderNames(provider.headersToUpstreamOnAllow);
    this.#downstreamOnAllow = new HeaderNames(provider.headersToDownstreamOnAllow);
    this.#downstreamOnDeny = new HeaderNames(provider.headersToDownstreamOnDeny, ALWAYS_PASSED_ON_DENY);
  }

  /** 200 allows, 5xx is a failure, anything else denies with status and body passed on (Envoy `toResponse`). */
  read({ status, rawHeaders, body }: HttpAnswer): Reply {
    if (status >= 500) return failed(`it answered ${status}`);
    if (status !== 200) return { kind: 'denied', status, headers: this.#onDeny(rawHeaders), body };
    const request: HeaderChange[] = [];
    const response: HeaderChange[] = [];
    const remove: HeaderChange[] = [];
    for (const [name, value] of headerPairs(rawHeaders)) {
      if (name === REMOVE_HEADER) remove.push(...removals(value));
      else {
        if (this.#upstream.has(name) && !isFixedInRequest(name)) request.push({ action: 'set', name, value });
        if (this.#downstreamOnAllow.has(name) && !isFraming(name)) response.push({ action: 'add', name, value });
      }
    }
    return { kind: 'allowed', request: [...request, ...remove], response, query: NO_QUERY_CHANGE };
  }

  #onDeny(rawHeaders: readonly string[]): [string, string][] {
    return headerPairs(rawHeaders).filter(([name]) => {
      if (isFraming(name) || name === 'host' || name === REMOVE_HEADER) return false;
      return this.#downstreamOnDeny.empty || this.#downstreamOnDeny.has(name);
    });
  }
}

function removals(value: string): HeaderChange[] {
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  return names
    .filter((name) => name !== '' && !isFixedInRequest(name))
    .map((name) => ({ action: 'remove', name, value: '' }));
}
