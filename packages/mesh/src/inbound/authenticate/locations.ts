import type { TokenPlaces } from '@rampart/core';

import type { Carrier } from './carrier.ts';

/** A token where the rules look for one. */
export interface PresentedToken {
  readonly text: string;
  /** Lower-case names of the headers it stands in; none for query parameters and cookies. */
  readonly headers: readonly string[];
}

/** Where tokens are looked for. */
export class TokenLocations {
  readonly #headers: TokenPlaces['headers'];
  /** Query parameters that hold tokens. */
  readonly params: readonly string[];
  readonly #cookies: readonly string[];
  /** Equal for locations that are the same. */
  readonly name: string;

  constructor({ headers, params, cookies }: TokenPlaces) {
    this.#headers = headers;
    this.params = params;
    this.#cookies = cookies;
    this.name = JSON.stringify([this.#headers, this.params, this.#cookies]);
  }

  /** Every token of a request, each once, even if it stands in several places. */
  find(carrier: Carrier): readonly PresentedToken[] {
    const found = new Map<string, string[]>();
    for (const { name, prefix } of this.#headers) {
      for (const value of carrier.values(name)) {
        if (value.startsWith(prefix)) placesOf(found, value.slice(prefix.length)).push(name);
      }
    }
    const query = this.params.length === 0 ? -1 : carrier.target.indexOf('?');
    if (query !== -1) {
      const params = new URLSearchParams(carrier.target.slice(query + 1));
      for (const name of this.params) for (const text of params.getAll(name)) placesOf(found, text);
    }
    if (this.#cookies.length > 0) {
      for (const [name, text] of cookiesOf(carrier)) if (this.#cookies.includes(name)) placesOf(found, text);
    }
    return found.size === 0 ? NONE : [...found].map(([text, headers]) => ({ text, headers }));
  }
}

const NONE: readonly PresentedToken[] = [];

function placesOf(found: Map<string, string[]>, text: string): string[] {
  const known = found.get(text);
  if (known !== undefined) return known;
  const places: string[] = [];
  found.set(text, places);
  return places;
}

/** RFC 6265 §4.2.1; a value may stand in double quotes. */
function cookiesOf(carrier: Carrier): (readonly [name: string, value: string])[] {
  return carrier.values('cookie').flatMap((header) =>
    header.split(';').flatMap((pair) => {
      const equals = pair.indexOf('=');
      if (equals === -1) return [];
      const value = pair.slice(equals + 1).trim();
      return [[pair.slice(0, equals).trim(), /^"(.*)"$/.exec(value)?.[1] ?? value] as const];
    }),
  );
}
