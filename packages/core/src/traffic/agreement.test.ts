import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileTraffic, parseResource, type HttpMatch, type RoutedRequest, type StringMatch } from '../index.ts';

/** Says of one match, word by word as Istio's reference has it, whether a request is what it asks for. */
function naive(match: HttpMatch, request: RoutedRequest): boolean {
  const url = new URL(request.url, 'http://host');
  const isWanted = ({ exact, prefix, regex }: StringMatch, text: string): boolean => {
    if (exact !== undefined) return text === exact;
    if (prefix !== undefined) return text.startsWith(prefix);
    return regex === undefined || new RegExp(`^(?:${regex})$`).test(text);
  };
  const headerIs = ([name, wanted]: [string, StringMatch]): boolean => {
    const value = request.headers[name];
    return value !== undefined && isWanted(wanted, String(value));
  };
  return (
    (match.method === undefined || isWanted(match.method, request.method)) &&
    (match.uri === undefined || isWanted(match.uri, url.pathname)) &&
    Object.entries(match.headers ?? {}).every(headerIs) &&
    !Object.entries(match.withoutHeaders ?? {}).some(headerIs) &&
    Object.entries(match.queryParams ?? {}).every(([name, wanted]) => {
      const value = url.searchParams.get(name);
      return value !== null && isWanted(wanted, value);
    })
  );
}

const word = fc.constantFrom('a', 'ab', 'b', 'ba');
const asText = (text: fc.Arbitrary<string>): fc.Arbitrary<StringMatch> =>
  fc.oneof(
    text.map((exact) => ({ exact })),
    text.map((prefix) => ({ prefix })),
    text.map((regex) => ({ regex: `${regex}.*` })),
  );
const named = (value: fc.Arbitrary<StringMatch>): fc.Arbitrary<Record<string, StringMatch>> =>
  fc.dictionary(fc.constantFrom('x', 'y'), value, { minKeys: 1, maxKeys: 2 });
const path = fc.array(word, { maxLength: 2 }).map((parts) => `/${parts.join('/')}`);
const match = fc
  .record<HttpMatch>(
    {
      method: asText(fc.constantFrom('GET', 'POST')),
      uri: asText(path),
      headers: named(fc.oneof(asText(word), fc.constant({}))),
      withoutHeaders: named(asText(word)),
      queryParams: named(asText(word)),
    },
    { requiredKeys: [] },
  )
  .filter((fields) => Object.keys(fields).length > 0);
const request = fc.record<RoutedRequest>({
  method: fc.constantFrom('GET', 'POST'),
  url: fc
    .tuple(path, fc.array(fc.tuple(fc.constantFrom('x', 'y'), word), { maxLength: 2 }))
    .map(([at, query]) => `${at}${query.length === 0 ? '' : '?'}${query.map((pair) => pair.join('=')).join('&')}`),
  authority: fc.constant('orders'),
  headers: fc.dictionary(fc.constantFrom('x', 'y'), word, { maxKeys: 2 }),
});

test('the first route of which any match holds is the one that a plain reading of the rule gives', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(match, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 }),
      request,
      (routes, asked) => {
        const parsed = parseResource({
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          metadata: { name: 'orders', namespace: 'shop' },
          spec: {
            hosts: ['orders'],
            http: routes.map((matches, index) => ({
              name: `${index}`,
              match: matches,
              route: [{ destination: { host: 'orders' } }],
            })),
          },
        });
        assert.ok(parsed.ok);
        const rules = compileTraffic({
          workload: { namespace: 'shop', labels: {} },
          resources: [parsed.value],
          rootNamespace: 'istio-system',
        });
        const found = rules.forService('shop', 'orders', 80)?.route?.(asked)?.name;
        const expected = routes.findIndex((matches) => matches.some((each) => naive(each, asked)));
        assert.equal(found, expected === -1 ? undefined : `shop/orders ${expected}`);
      },
    ),
    { numRuns: 300 },
  );
});
