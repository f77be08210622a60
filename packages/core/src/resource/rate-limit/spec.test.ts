import { test } from 'node:test';

import { expectRefusal, expectSilence, expectWarning, type Refusal } from '../../testing/refusals.ts';
import { limitRule, rateLimit } from '../../testing/resource-json.ts';

const matching = (match: unknown): unknown => limitRule({ match });

const refused: readonly Refusal[] = [
  ['neither rules nor connections', rateLimit({}), 'spec', /needs rules, connections or both/],
  ['an unknown field', rateLimit({ rules: [], limits: [] }), 'spec.limits', /unknown/],
  [
    'a mode of another kind',
    rateLimit({ mode: 'STRICT', rules: [] }),
    'spec.mode',
    /ENFORCE or SHADOW|ENFORCE, SHADOW/,
  ],
  ['a rule without name', rateLimit({ rules: [{ requests: 1, unit: 'SECOND' }] }), 'spec.rules[0]', /needs a name/],
  [
    'a name that is no key of a structured field',
    limitRule({ name: 'A b' }),
    'spec.rules[0].name',
    /lower-case letters/,
  ],
  [
    'a name twice',
    rateLimit({
      rules: [
        { name: 'a', concurrency: 1 },
        { name: 'a', concurrency: 2 },
      ],
    }),
    'spec.rules[1].name',
    /name of a rule above/,
  ],
  ['a rule that limits nothing', rateLimit({ rules: [{ name: 'a' }] }), 'spec.rules[0]', /needs requests/],
  ['requests without unit', rateLimit({ rules: [{ name: 'a', requests: 1 }] }), 'spec.rules[0]', /needs a unit/],
  [
    'a burst without requests',
    rateLimit({ rules: [{ name: 'a', concurrency: 1, burst: 5 }] }),
    'spec.rules[0].burst',
    /requests, which are not there/,
  ],
  [
    'concurrency alone, shared',
    rateLimit({ rules: [{ name: 'a', concurrency: 1, shared: true }] }),
    'spec.rules[0].shared',
    /requests, which are not there/,
  ],
  ['no requests at all', limitRule({ requests: 0 }), 'spec.rules[0].requests', /1/],
  ['half a request', limitRule({ requests: 0.5 }), 'spec.rules[0].requests', /whole number/],
  ['a unit of its own', limitRule({ unit: 'FORTNIGHT' }), 'spec.rules[0].unit', /SECOND/],
  ['a key that nothing is counted by', limitRule({ key: ['destination.port'] }), 'spec.rules[0].key[0]', /not counted/],
  ['a pseudo header as key', limitRule({ key: ['request.headers[:path]'] }), 'spec.rules[0].key[0]', /./],
  ['no match', matching([]), 'spec.rules[0].match', /would match nothing/],
  [
    'a principal with its scheme',
    matching([{ principals: ['spiffe://a/b'] }]),
    'spec.rules[0].match[0].principals[0]',
    /without "spiffe/,
  ],
  [
    'a header without values',
    matching([{ headers: [{ name: 'a' }] }]),
    'spec.rules[0].match[0].headers[0]',
    /needs values/,
  ],
  [
    'a header that is none',
    matching([{ headers: [{ name: 'a b', values: ['*'] }] }]),
    'spec.rules[0].match[0].headers[0].name',
    /name of a header/,
  ],
  ['connections by nobody', rateLimit({ connections: [{ max: 1 }] }), 'spec.connections[0]', /needs per/],
  [
    'connections without number',
    rateLimit({ connections: [{ per: 'source.ip' }] }),
    'spec.connections[0]',
    /needs max/,
  ],
  [
    'connections that are tried out',
    rateLimit({ mode: 'SHADOW', connections: [{ per: 'source.ip', max: 1 }] }),
    'spec.connections',
    /cannot be tried out/,
  ],
];
for (const refusal of refused) test(`${refusal[0]} is refused`, () => expectRefusal(refusal));

const full = rateLimit({
  selector: { matchLabels: { app: 'orders-api' } },
  mode: 'SHADOW',
  rules: [
    {
      name: 'by-caller',
      match: [
        { methods: ['GET'], paths: ['/orders/{*}'], principals: ['*/sa/web'], headers: [{ name: 'x', values: ['*'] }] },
      ],
      key: ['source.principal', 'request.headers[x-tenant]'],
      requests: 100,
      unit: 'MINUTE',
      burst: 20,
      concurrency: 5,
      shared: true,
    },
  ],
});
test('every field of a rule is accepted', () => expectSilence(full));
test('connections alone are accepted', () =>
  expectSilence(rateLimit({ connections: [{ per: 'source.principal', max: 10 }] })));
const unmet: readonly (readonly [what: string, match: object, field: string, message: RegExp])[] = [
  ['a method in lower case', { methods: ['get'] }, 'methods[0]', /upper case/],
  ['a path without its slash', { paths: ['search'] }, 'paths[0]', /begins with a slash/],
  ['a path with its query', { paths: ['/search?q=*'] }, 'paths[0]', /without their query/],
  ['a star that is none', { paths: ['/a*b'] }, 'paths[0]', /matched literally/],
];
for (const [what, match, field, message] of unmet) {
  test(`${what} is warned of, because nothing would be limited`, () =>
    expectWarning([what, matching([match]), `spec.rules[0].match[0].${field}`, message]));
}

test('no rule at all is warned of', () => expectWarning(['', rateLimit({ rules: [] }), 'spec', /limits nothing/]));
