import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { findingsOf, type LintOptions, ruleFor, WEB, workload } from '../testing/lints.ts';

interface Judgement {
  readonly rule: string;
  /** Resources as for `documentsOf`. */
  readonly text: string;
  /** What each finding says, in order; none for what is as it should be. */
  readonly says: readonly RegExp[];
  readonly options?: LintOptions;
}

const ORDERS = workload('shop/orders');
const DB = workload('shop/db', { port: 5432, protocol: 'tcp' });
const from = (source: string): string => `from: [{source: ${source}}]`;
const TOKENS = 'RequestAuthentication shop/jwt {jwtRules: [{issuer: "https://a"}, {issuer: "https://b"}]}';

const WILDCARDS: readonly Judgement[] = [
  {
    rule: 'every identity of a trust domain is everybody',
    text: ruleFor(`{${from('{principals: ["cluster.local/*"]}')}}`),
    says: [/^principals "cluster.local\/\*" lets in every identity/],
  },
  {
    rule: 'a namespace of principals is not everybody',
    text: ruleFor(`{${from('{principals: ["cluster.local/ns/shop/*"]}')}}`),
    says: [],
  },
  {
    rule: 'every principal of one namespace is not everybody',
    text: ruleFor(`{${from('{principals: ["*"], namespaces: [shop]}')}}`),
    says: [],
  },
  {
    rule: 'everybody but one is nearly everybody',
    text: ruleFor(`{${from(`{notPrincipals: [${WEB}]}`)}}`),
    says: [/^notPrincipals alone lets in everybody else, callers without identity too/],
  },
  {
    rule: 'a namespace without one of its accounts is not everybody',
    text: ruleFor(`{${from(`{namespaces: [shop], notPrincipals: [${WEB}]}`)}}`),
    says: [],
  },
  {
    rule: 'every address is everybody',
    text: ruleFor(`{${from('{ipBlocks: [0.0.0.0/0]}')}}, {${from('{remoteIpBlocks: ["::/0"]}')}}`),
    says: [/^ipBlocks "0\.0\.0\.0\/0" lets in every address/, /^remoteIpBlocks "::\/0"/],
  },
  {
    rule: 'any identity whose token says more is not everybody',
    text: ruleFor(`{${from('{principals: ["*"]}')}, when: [{key: "request.auth.claims[groups]", values: [ops]}]}`),
    says: [],
  },
  {
    rule: 'a header narrows nobody',
    text: ruleFor(`{${from('{principals: ["*"]}')}, when: [{key: "request.headers[x-team]", values: [ops]}]}`),
    says: [/^principals "\*"/],
  },
  {
    rule: 'a condition on the port says nothing of who calls',
    text: ruleFor('{when: [{key: destination.port, values: ["8080"]}]}'),
    says: [/without from/],
  },
  {
    rule: 'a condition that any principal satisfies says nothing of who calls',
    text: ruleFor('{when: [{key: source.principal, values: ["*"]}]}'),
    says: [/without from/],
  },
  {
    rule: 'a health check is for everybody',
    text: ruleFor('{to: [{operation: {methods: [GET], paths: [/healthz, /actuator/health/liveness]}}]}'),
    says: [],
  },
  {
    rule: 'a health check beside something else is not',
    text: ruleFor('{to: [{operation: {paths: [/healthz]}}, {operation: {paths: [/orders]}}]}'),
    says: [/without from/],
  },
];

const TOKENLESS: readonly Judgement[] = [
  {
    rule: 'a RequestAuthentication without rules verifies nothing',
    text: `${ruleFor(`{${from('{requestPrincipals: ["*"]}')}}`)}\nRequestAuthentication shop/jwt {}`,
    says: [/no RequestAuthentication for these workloads verifies any/],
  },
  {
    rule: 'an issuer must be one of those that are verified, to the letter',
    text: `${ruleFor(`{${from('{requestPrincipals: ["https://a/*", "https://a//*", "https://c/ann"]}')}}`)}\n${TOKENS}`,
    says: [/tokens of https:\/\/a\/, but those of https:\/\/a, https:\/\/b/, /tokens of https:\/\/c,/],
  },
  {
    rule: 'patterns of issuers are not judged',
    text: `${ruleFor(`{${from('{requestPrincipals: ["*", "*/ann", "https*"]}')}}`)}\n${TOKENS}`,
    says: [],
  },
  {
    rule: 'what stands before the last slash is the issuer',
    text: `${ruleFor(`{${from('{requestPrincipals: ["https://*"]}')}}`)}\n${TOKENS}`,
    says: [/tokens of https:\/,/],
  },
  {
    rule: 'a condition names issuers as well',
    text: `${ruleFor('{when: [{key: request.auth.principal, values: ["https://c/ann"]}]}')}\n${TOKENS}`,
    says: [/tokens of https:\/\/c,/],
  },
];

const NEVER: readonly Judgement[] = [
  {
    rule: 'a star amid a principal is no wildcard',
    text: ruleFor(`{${from('{principals: ["cluster.local/ns/*/sa/web", "*/sa/web*"]}')}}`),
    says: [/"cluster.local\/ns\/\*\/sa\/web" never matches: only one "\*"/, /"\*\/sa\/web\*"/],
  },
  {
    rule: 'a star amid a path is no wildcard, one of a template is',
    text: ruleFor('{to: [{operation: {paths: ["/api/*/items", "*admin*", "/api/{*}/items", "/api/*", "*.js"]}}]}'),
    says: [/"\/api\/\*\/items" never matches: .*write \{\*\}/, /"\*admin\*"/],
  },
  {
    rule: 'a principal has four parts',
    text: ruleFor(`{${from('{principals: ["cluster.local/shop/web"]}')}}`),
    says: [/a principal is trust-domain\/ns/],
  },
  {
    rule: 'a namespace is a name',
    text: ruleFor(
      `{${from('{namespaces: [cluster.local/ns/shop, "sh*p"]}')}}, {when: [{key: source.namespace, values: [ns/shop]}]}`,
    ),
    says: [/a namespace is its name alone/, /"ns\/shop"/],
  },
  {
    rule: 'a host has no scheme and no path',
    text: ruleFor(
      '{to: [{operation: {hosts: ["https://shop.example", shop.example/, "shop.example:*", "*.example"]}}]}',
    ),
    says: [/"https:\/\/shop.example" never matches: a host has neither/, /"shop.example\/"/],
  },
  {
    rule: 'a condition on the source is held against the sources of the rule',
    text: ruleFor(`{${from('{namespaces: [a]}')}, when: [{key: source.namespace, values: [b]}]}`),
    says: [/no source of the rule has a source.namespace/],
  },
  {
    rule: 'one source that agrees is enough, and a trust domain has several names',
    text: ruleFor(
      `{from: [{source: {namespaces: [a]}}, {source: {namespaces: [b]}}], when: [{key: source.namespace, values: [b]}]}, {${from(`{principals: [${WEB}]}`)}, when: [{key: source.principal, values: [old.example/ns/shop/sa/web]}]}`,
    ),
    says: [],
  },
];

const SPLIT: readonly Judgement[] = [
  {
    rule: 'the order of the halves does not matter',
    text: ruleFor(`{to: [{operation: {paths: [/a]}}]}, {${from('{namespaces: [web]}')}}`),
    says: [/^to of one rule and from of the next/],
  },
  {
    rule: 'a health check beside a caller is meant as it stands',
    text: ruleFor(`{${from('{namespaces: [web]}')}}, {to: [{operation: {paths: [/healthz]}}]}`),
    says: [],
  },
];

const ON_TCP: readonly Judgement[] = [
  {
    rule: 'what a namespace may do over HTTP is no mistake where one of its workloads speaks TCP',
    text: ruleFor(`{${from('{namespaces: [ops]}')}, to: [{operation: {paths: [/metrics]}}]}`),
    says: [],
    options: { workloads: [ORDERS, DB] },
  },
  {
    rule: 'what a namespace must not do over HTTP closes its TCP ports',
    text: ruleFor('{to: [{operation: {paths: [/admin]}}]}', 'one', 'DENY'),
    says: [/port 5432 .* matches more than it says/],
    options: { workloads: [ORDERS, DB] },
  },
  {
    rule: 'a condition on the port counts as ports do',
    text: ruleFor(
      '{to: [{operation: {paths: [/admin]}}], when: [{key: destination.port, values: ["8080"]}]}',
      'one',
      'DENY',
    ),
    says: [],
    options: { workloads: [ORDERS, DB] },
  },
];

const IDENTITIES: readonly Judgement[] = [
  {
    rule: 'whom a rule leaves out must exist, too',
    text: ruleFor(`{${from('{notPrincipals: [cluster.local/ns/shop/sa/wbe]}')}}`, 'one', 'DENY'),
    says: [/sa\/wbe; did you mean cluster\.local\/ns\/shop\/sa\/web/],
    options: { workloads: [ORDERS], identities: [WEB] },
  },
];

const EGRESS: readonly Judgement[] = [
  {
    rule: 'a policy for one workload leaves the others',
    text: 'NetworkPolicy shop/out {podSelector: {matchLabels: {app: orders}}, policyTypes: [Egress]}',
    says: [/no NetworkPolicy with Egress selects db of namespace shop/],
    options: { workloads: [ORDERS, DB] },
  },
  {
    rule: 'a rule without destination and port lets everything out',
    text: 'NetworkPolicy shop/out {podSelector: {}, policyTypes: [Egress], egress: [{}, {to: [{ipBlock: {cidr: 0.0.0.0/0}}]}, {ports: [{port: 443}]}, {to: [{podSelector: {}}]}]}',
    says: [/lets everything out/, /lets everything out/],
  },
];

const STRICTNESS: readonly Judgement[] = [
  {
    rule: 'an empty selector is none',
    text: 'PeerAuthentication istio-system/default {selector: {matchLabels: {}}, mtls: {mode: STRICT}}',
    says: [],
  },
  {
    rule: 'of several the first is in force',
    text: 'PeerAuthentication istio-system/b {mtls: {mode: STRICT}}\nPeerAuthentication istio-system/a {mtls: {mode: PERMISSIVE}}',
    says: [/sets mtls\.mode STRICT/],
  },
];

const PRODUCTION: readonly Judgement[] = [
  {
    rule: 'labels with a prefix, and in capitals, say production as well',
    text: 'Namespace a [example.com/environment=Production]\nNamespace b [stage=prod]\nNamespace c [team=prod]',
    says: [/namespace a,/, /namespace b,/],
  },
];

const JUDGEMENTS: Readonly<Record<string, readonly Judgement[]>> = {
  RAMP1001: PRODUCTION,
  RAMP1003: STRICTNESS,
  RAMP2001: WILDCARDS,
  RAMP2005: TOKENLESS,
  RAMP3002: NEVER,
  RAMP3004: ON_TCP,
  RAMP3005: IDENTITIES,
  RAMP3006: SPLIT,
  RAMP4003: EGRESS,
};

for (const [code, judgements] of Object.entries(JUDGEMENTS)) {
  suite(code, () => {
    for (const { rule, text, says, options } of judgements) {
      test(rule, () => {
        const messages = findingsOf(text, code, options).map(({ message }) => message);
        assert.equal(messages.length, says.length, messages.join('\n'));
        for (const [index, pattern] of says.entries()) assert.match(messages[index] ?? '', pattern);
      });
    }
  });
}
