import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDocuments } from '../../documents.ts';
import type { Resource } from '../../resource/resource.ts';
import { parseHcl } from './parser.ts';
import { HclError } from './tokens.ts';

const LIMITS = { depth: 16, tokens: 10_000 };

const VALUES: readonly (readonly [text: string, value: unknown])[] = [
  ['"read"', 'read'],
  ['"a\\"b\\\\c\\n\\t\\u00e9\\U0001F600"', 'a"b\\c\n\té😀'],
  ['"$${x} %%{y} $ %"', '${x} %{y} $ %'],
  ['1', 1],
  ['-2.5e3', -2500],
  ['true', true],
  ['null', null],
  ['[]', []],
  ['["a", 1, [true],]', ['a', 1, [true]]],
  ['[\n  "a",\n  "b"\n]', ['a', 'b']],
  ['{ a = 1, "b": "c" }', { a: 1, b: 'c' }],
  ['{\n  a = 1\n  b = 2\n}', { a: 1, b: 2 }],
];

describe('HCL', () => {
  for (const [text, value] of VALUES) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseHcl(`a = ${text}\n`, LIMITS).attributes.get('a')?.value, value);
    });
  }

  it('reads blocks with labels, on one line and over several, between comments of three kinds', () => {
    const { blocks } = parseHcl(
      '# a\nservice "x" { policy = "read" }\n// b\nother y "z" {\n}\n/* c\n*/ empty {}',
      LIMITS,
    );
    assert.deepEqual(
      blocks.map(({ type, labels }) => [type, ...labels.map(({ text }) => text)]),
      [['service', 'x'], ['other', 'y', 'z'], ['empty']],
    );
    assert.equal(blocks[0]?.body.attributes.get('policy')?.value, 'read');
  });
});

const REFUSED: readonly (readonly [fact: string, text: string, place: string, message: RegExp])[] = [
  ['a string without end', 'a = "b\n', '1:5', /this string is never closed/],
  ['a block without end', 'service "a" {\n', '2:1', /a block is never closed/],
  ['a comment without end', 'a = 1\n/* b', '2:1', /this comment is never closed/],
  ['a brace too many', '}\n', '1:1', /expected the name of an attribute or block, found "}"/],
  ['two attributes on a line', 'a = 1 b = 2\n', '1:7', /expected the end of the line, found "b"/],
  ['an attribute that is given twice', 'a = 1\na = 2\n', '2:1', /a is given twice/],
  ['a template', 'a = "${b}"\n', '1:6', /begins a template, which is not evaluated here/],
  ['an expression', 'a = b\n', '1:5', /"b" is no value/],
  ['a sum', 'a = 1 + 2\n', '1:7', /unexpected "\+": expressions are not evaluated/],
  ['a heredoc', 'a = <<EOT\nx\nEOT\n', '1:5', /texts over several lines/],
  ['single quotes', "a = 'b'\n", '1:5', /strings stand in double quotes/],
  ['an escape without meaning', 'a = "\\x"\n', '1:6', /after "\\" only/],
  ['a code point that is none', 'a = "\\UFFFFFFFF"\n', '1:6', /after "\\" only/],
  ['a name alone', 'service\n', '1:8', /expected "=", a label or "{" after "service", found the end of the line/],
  ['nesting without end', `a = ${'['.repeat(100)}`, '1:69', /nested more than 64 levels/],
  ['blocks without end', 'a {\n'.repeat(100), '65:4', /nested more than 64 levels/],
  ['a hidden character', 'service "a\u202e" { policy = "read" }', '1:11', /U\+202E/],
];

describe('HCL with a mistake is refused where it stands:', () => {
  for (const [fact, text, place, message] of REFUSED) {
    it(fact, () => {
      const { resources, problems } = parseDocuments(text, { file: 'rules.hcl' });
      const [first] = problems;
      assert.equal(resources.length, 0);
      assert.equal(`${first?.line}:${first?.column}`, place);
      assert.match(first?.message ?? '', message);
    });
  }

  it('whatever the text, and never otherwise than by its place', () => {
    const words = fc.constantFrom('service', '"a"', '{', '}', '=', '\n', '"', '[', ']', ',', '${', '#', '1', ' ', '\\');
    const texts = fc.oneof(
      fc.array(words, { maxLength: 40 }).map((list) => list.join(' ')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseHcl(text, LIMITS);
        } catch (error) {
          assert.ok(error instanceof HclError);
          assert.ok(error.offset >= 0 && error.offset <= text.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never for a string that was written with its escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const written = JSON.stringify(value)
          .replaceAll('${', '$${')
          .replaceAll('%{', '%%{')
          .replaceAll(/\\[bf]/g, '');
        const read = parseHcl(`a = ${written}`, LIMITS).attributes.get('a')?.value;
        assert.equal(read, value.replaceAll(/[\b\f]/g, ''));
      }),
      { numRuns: 200 },
    );
  });
});

/** The specs of one text. */
function rulesOf(text: string, file = 'rules.hcl'): readonly object[] {
  const { resources, problems } = parseDocuments(text, { file });
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  return resources.flatMap((resource: Resource) => (resource.kind === 'RegistryAcl' ? resource.spec.rules : []));
}

describe('an access control list', () => {
  const HCL = `service "payment-service" {
  policy = "write"
  identity = "spiffe://cluster/ns/prod/sa/payment"
}
service "payment-service" {
  policy = "read"
}
namespace "prod" {
  policy = "admin"
  identity = "team:ops"
  service_prefix "" { policy = "read" }
  service "a/*" { policy = "deny" }
}
`;
  const RULES = [
    { service: 'payment-service', policy: 'write', identity: 'spiffe://cluster/ns/prod/sa/payment' },
    { service: 'payment-service', policy: 'read' },
    { namespace: 'prod', policy: 'admin', identity: 'team:ops' },
    { namespace: 'prod', servicePrefix: '', policy: 'read' },
    { namespace: 'prod', service: 'a', policy: 'deny' },
  ];
  const JSON_TEXT = JSON.stringify({
    service: {
      'payment-service': [{ policy: 'write', identity: 'spiffe://cluster/ns/prod/sa/payment' }, { policy: 'read' }],
    },
    namespace: [
      {
        prod: {
          policy: 'admin',
          identity: 'team:ops',
          service_prefix: { '': { policy: 'read' } },
          service: { 'a/*': { policy: 'deny' } },
        },
      },
    ],
  });

  it('says the same in HCL and in JSON', () => {
    assert.deepEqual(rulesOf(HCL), RULES);
    assert.deepEqual(rulesOf(JSON_TEXT, 'rules.acl.json'), RULES);
  });

  for (const [file, name] of [
    ['rules.hcl', 'rules'],
    ['/etc/rampart/Prod_Rules.v2.hcl', 'prod-rules.v2'],
    ['C:\\acl\\ops.acl.hcl', 'ops'],
    ['ops.acl.json', 'ops'],
    ['_.hcl', 'acl'],
  ] as const) {
    it(`of the file ${file} is named ${name}, in the root namespace`, () => {
      const text = file.endsWith('json') ? JSON_TEXT : HCL;
      const [resource] = parseDocuments(text, { file, rootNamespace: 'root' }).resources;
      assert.deepEqual([resource?.metadata.name, resource?.metadata.namespace], [name, 'root']);
    });
  }

  it('takes the policies of Consul, and says what of them means nothing here', () => {
    const text =
      'acl = "read"\nnode_prefix "" { policy = "read" }\nservice_prefix "" {\n  policy = "read"\n  intentions = "read"\n}\n';
    const { resources, problems } = parseDocuments(text, { file: 'consul.hcl' });
    assert.equal(resources.length, 1);
    assert.deepEqual(
      problems.map(({ severity, line }) => `${severity} ${line}`),
      ['warning 1', 'warning 2', 'warning 5'],
    );
  });

  for (const [fact, text, place, message] of [
    ['a rule without policy', 'service "a" {}', '1:1', /needs a policy/],
    ['a policy that is none', 'service "a" {\n  policy = "wirte"\n}', '2:12', /did you mean "write"/],
    ['a field that is none', 'service "a" {\n  polcy = "read"\n}', '1:1', /needs a policy/],
    ['a block that is none', 'servce "a" { policy = "read" }', '1:1', /did you mean "service"/],
    ['a block without name', 'service { policy = "read" }', '1:1', /service needs a name/],
    ['a block with two names', 'service "a" "b" { policy = "read" }', '1:13', /takes one name/],
    ['a service without a name', 'service "" { policy = "read" }', '1:9', /all services are service_prefix ""/],
    ['a service by a pattern', 'service "a*" { policy = "read" }', '1:9', /are a service_prefix/],
    ['a service in capitals', 'service "Web" { policy = "read" }', '1:9', /must be the name of a service/],
    ['an attribute outside of blocks', 'policy = "read"', '1:1', /belongs into a block/],
    ['an identity that is none', 'service "a" {\n policy = "read"\n identity = "spiffe:/x"\n}', '3:13', /no SPIFFE ID/],
    [
      'a service within a service',
      'service "a" {\n policy = "read"\n service "b" { policy = "read" }\n}',
      '3:2',
      /cannot stand in/,
    ],
    [
      'a name that the block has said',
      'service "a" {\n policy = "read"\n namespace = "b"\n}',
      '3:2',
      /said by the block itself/,
    ],
  ] as const) {
    it(`with ${fact} is refused at ${place}`, () => {
      const { resources, problems } = parseDocuments(text, { file: 'rules.hcl' });
      const first = problems.find(({ severity }) => severity === 'error');
      assert.equal(resources.length, 0);
      assert.equal(`${first?.line}:${first?.column}`, place);
      assert.match(first?.message ?? '', message);
    });
  }

  it('in JSON is refused at the place of the mistake', () => {
    const text = '{\n  "service": {\n    "web": {"policy": "raed"}\n  }\n}';
    const { problems } = parseDocuments(text, { file: 'rules.acl.json' });
    assert.deepEqual(
      problems.map(({ line, column, field }) => [line, column, field]),
      [[3, 23, 'spec.rules[0].policy']],
    );
  });
});
