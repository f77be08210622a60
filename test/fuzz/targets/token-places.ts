import assert from 'node:assert/strict';

import { TokenLocations } from '../../../packages/mesh/src/inbound/authenticate/locations.ts';
import { textOf, type FuzzTarget } from '../engine/target.ts';

const PLACES = {
  headers: [
    { name: 'authorization', prefix: 'Bearer ' },
    { name: 'x-token', prefix: '' },
  ],
  params: ['access_token', 't'],
  cookies: ['session'],
};
const locations = new TokenLocations(PLACES);
const elsewhere = new TokenLocations({ headers: [], params: [], cookies: [] });

/** Where tokens stand in a request: header fields, query, cookies. What is found stood there, and each token is found once. */
export const tokenPlaces: FuzzTarget = {
  name: 'token-places',
  form: 'text',
  seeds: [
    '/orders?access_token=a.b.c\nauthorization: Bearer d.e.f',
    '/orders\nx-token: a.b.c\nx-token: d.e.f',
    '/orders?t=a&t=b&access%5Ftoken=c\ncookie: session=d; other=e',
    '/\ncookie: session="a.b.c";session=a.b.c\ncookie: session = x',
    '/?t=%E2%82%AC+%20&T=b#?t=c\nauthorization: bearer a',
    '/?access_token\nauthorization: Bearer \ncookie: session',
  ],
  words: [
    'authorization: ',
    'Bearer ',
    'x-token: ',
    'cookie: ',
    'session=',
    't=',
    '&',
    ';',
    '"',
    '%',
    '%00',
    '?',
    '\n',
    '=',
  ],
  run: (input) => {
    const [target = '', ...lines] = textOf(input).split('\n');
    const fields = fieldsOf(lines);
    const carrier = { method: 'GET', target, host: 'orders-api', values: (name: string) => fields.get(name) ?? [] };
    const found = locations.find(carrier);
    assert.equal(elsewhere.find(carrier).length, 0, 'a token is found where nobody looks');
    assert.equal(new Set(found.map(({ text }) => text)).size, found.length, 'one token is found twice');
    const inHeaders = new Set(PLACES.headers.flatMap(({ name, prefix }) => tokensAfter(prefix, carrier.values(name))));
    for (const { text, headers } of found) {
      if (headers.length > 0)
        assert.ok(inHeaders.has(text), 'a token is said to stand in a header that does not have it');
      else assert.ok(target.includes('?') || fields.has('cookie'), 'a token is found nowhere');
    }
    return `${Math.min(found.length, 4)} found, ${Math.min(found.flatMap(({ headers }) => headers).length, 4)} in headers`;
  },
};

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const values = fields.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(name, values);
  }
  return fields;
}

function tokensAfter(prefix: string, values: readonly string[]): string[] {
  return values.filter((value) => value.startsWith(prefix)).map((value) => value.slice(prefix.length));
}
