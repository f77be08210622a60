import { test } from 'node:test';
import { ingress, network } from '../../testing/resource-json.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../testing/refusals.ts';

const expression = (fields: unknown): Record<string, unknown> =>
  network({ podSelector: { matchExpressions: [fields] } });
const from = (...peers: unknown[]): Record<string, unknown> => ingress({ from: peers });
const port = (fields: unknown): Record<string, unknown> => ingress({ ports: [fields] });
const FROM = 'spec.ingress[0].from[0]';
const PORT = 'spec.ingress[0].ports[0]';
const EXPRESSION = 'spec.podSelector.matchExpressions[0]';

const refused: readonly Refusal[] = [
  ['a peer without anything', from({}), FROM, /must have a podSelector/],
  ['a null peer', from(null), FROM, /is empty/],
  [
    'ipBlock beside podSelector',
    from({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }),
    `${FROM}.ipBlock`,
    /cannot stand beside a selector/,
  ],
  [
    'ipBlock beside namespaceSelector',
    from({ ipBlock: { cidr: '10.0.0.0/8' }, namespaceSelector: {} }),
    `${FROM}.ipBlock`,
    /cannot stand beside a selector/,
  ],
  ['ipBlock without cidr', from({ ipBlock: {} }), `${FROM}.ipBlock`, /needs a cidr/],
  ['a cidr that is no block', from({ ipBlock: { cidr: '10.0.0/8' } }), `${FROM}.ipBlock.cidr`, /not an IP address/],
  [
    'a cidr without prefix length',
    from({ ipBlock: { cidr: '10.0.0.1' } }),
    `${FROM}.ipBlock.cidr`,
    /write 10.0.0.1\/32/,
  ],
  [
    'an IPv6 address without prefix length',
    from({ ipBlock: { cidr: '::1' } }),
    `${FROM}.ipBlock.cidr`,
    /write ::1\/128/,
  ],
  [
    'an exception outside its block',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }),
    `${FROM}.ipBlock.except[0]`,
    /within 10.0.0.0\/8/,
  ],
  [
    'an exception as large as its block',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }),
    `${FROM}.ipBlock.except[0]`,
    /smaller than it/,
  ],
  [
    'an exception of the other family',
    from({ ipBlock: { cidr: '10.0.0.0/8', except: ['fd00::/16'] } }),
    `${FROM}.ipBlock.except[0]`,
    /within/,
  ],
  ['from in an egress rule', network({ egress: [{ from: [] }] }), 'spec.egress[0].from', /known here: to, ports/],
  ['to in an ingress rule', ingress({ to: [] }), 'spec.ingress[0].to', /unknown field "to"/],
  ['a port of 0', port({ port: 0 }), `${PORT}.port`, /from 1 to 65535/],
  ['a port of 65536', port({ port: 65_536 }), `${PORT}.port`, /from 1 to 65535/],
  ['half a port', port({ port: 80.5 }), `${PORT}.port`, /from 1 to 65535/],
  ['a port number as text', port({ port: '8080' }), `${PORT}.port`, /write 8080 without quotes/],
  ['a port name in upper case', port({ port: 'HTTP' }), `${PORT}.port`, /name of a port/],
  ['a port name of 16 characters', port({ port: 'a'.repeat(16) }), `${PORT}.port`, /name of a port/],
  ['a port name with two hyphens in a row', port({ port: 'a--b' }), `${PORT}.port`, /name of a port/],
  ['a protocol that nobody knows', port({ protocol: 'HTTP' }), `${PORT}.protocol`, /unknown value "HTTP"/],
  ['a protocol in lower case', port({ protocol: 'tcp' }), `${PORT}.protocol`, /did you mean "TCP"/],
  ['endPort without port', port({ endPort: 90 }), `${PORT}.endPort`, /needs a port/],
  ['endPort below port', port({ port: 100, endPort: 90 }), `${PORT}.endPort`, /at least the port, 100/],
  ['endPort beside a named port', port({ port: 'http', endPort: 90 }), `${PORT}.endPort`, /named port/],
  ['endPort as text', port({ port: 80, endPort: '90' }), `${PORT}.endPort`, /write 90 without quotes/],
  [
    'a policy type that is none',
    network({ policyTypes: ['Inbound'] }),
    'spec.policyTypes[0]',
    /unknown value "Inbound"/,
  ],
  [
    'a policy type in lower case',
    network({ policyTypes: ['ingress'] }),
    'spec.policyTypes[0]',
    /did you mean "Ingress"/,
  ],
  ['three policy types', network({ policyTypes: ['Ingress', 'Egress', 'Egress'] }), 'spec.policyTypes', /at most once/],
  ['an Istio selector', network({ selector: { matchLabels: { a: 'b' } } }), 'spec.selector', /known here: podSelector/],
  [
    'a label name with a star',
    network({ podSelector: { matchLabels: { 'a*': 'b' } } }),
    'spec.podSelector.matchLabels["a*"]',
    /label name/,
  ],
  [
    'a label name with a bad prefix',
    network({ podSelector: { matchLabels: { 'A_/b': 'b' } } }),
    'spec.podSelector.matchLabels["A_/b"]',
    /before "\/"/,
  ],
  [
    'a label value with a space',
    network({ podSelector: { matchLabels: { a: 'b c' } } }),
    'spec.podSelector.matchLabels.a',
    /label value/,
  ],
  [
    'a label value of 64 characters',
    network({ podSelector: { matchLabels: { a: 'b'.repeat(64) } } }),
    'spec.podSelector.matchLabels.a',
    /at most 63/,
  ],
  [
    'a label value that is a number',
    network({ podSelector: { matchLabels: { a: 1 } } }),
    'spec.podSelector.matchLabels.a',
    /in quotes, "1"/,
  ],
  ['an expression without key', expression({ operator: 'Exists' }), EXPRESSION, /needs a key/],
  ['an expression without operator', expression({ key: 'a' }), EXPRESSION, /needs an operator/],
  [
    'an unknown operator',
    expression({ key: 'a', operator: 'Equals' }),
    `${EXPRESSION}.operator`,
    /unknown value "Equals"/,
  ],
  ['In without values', expression({ key: 'a', operator: 'In' }), EXPRESSION, /In needs values/],
  ['NotIn with no value', expression({ key: 'a', operator: 'NotIn', values: [] }), EXPRESSION, /NotIn needs values/],
  [
    'Exists with values',
    expression({ key: 'a', operator: 'Exists', values: ['b'] }),
    `${EXPRESSION}.values`,
    /no meaning for operator Exists/,
  ],
  [
    'the older group of the kind',
    { ...network({}), apiVersion: 'extensions/v1beta1' },
    'apiVersion',
    /use networking.k8s.io\/v1/,
  ],
  [
    'the group of Istio',
    { ...network({}), apiVersion: 'security.istio.io/v1' },
    'apiVersion',
    /use networking.k8s.io\/v1/,
  ],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['a policy without podSelector', network({})],
  ['default deny in both directions', network({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] })],
  [
    'rules without anything',
    network({ podSelector: {}, ingress: [{}], egress: [{}], policyTypes: ['Ingress', 'Egress'] }),
  ],
  ['both selectors in one peer', from({ podSelector: { matchLabels: { a: 'b' } }, namespaceSelector: {} })],
  [
    'a range, a name and a whole protocol',
    ingress({ ports: [{ port: 80, endPort: 80 }, { port: 'http-2' }, { protocol: 'SCTP' }] }),
  ],
  ['an IPv6 block with an exception', from({ ipBlock: { cidr: 'fd00::/8', except: ['fd12::/16'] } })],
  [
    'every operator',
    network({
      podSelector: {
        matchExpressions: [
          { key: 'a.b/c', operator: 'In', values: [''] },
          { key: 'a', operator: 'NotIn', values: ['b'] },
          { key: 'a', operator: 'Exists' },
          { key: 'a', operator: 'DoesNotExist', values: [] },
        ],
      },
    }),
  ],
];

for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
