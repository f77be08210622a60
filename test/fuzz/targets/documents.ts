import assert from 'node:assert/strict';

import { describeProblem, parseResource, requiredFeatures, toJson } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';

import { outcome, textOf, type FuzzTarget } from '../engine/target.ts';
import { otherKinds } from './other-kinds.ts';

const SOUND = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: orders
  namespace: shop
  labels: { app.kubernetes.io/name: orders }
  annotations: { istio.io/dry-run: "true" }
spec:
  selector:
    matchLabels: { app: orders }
  action: DENY
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/web/sa/frontend", "*/sa/x"]
        notIpBlocks: [10.0.0.0/8]
    to:
    - operation: { methods: [GET], paths: ["/a/{*}/b", '/c/*'], ports: ["8080"] }
    when:
    - key: request.headers[X-Key]
      values: ["a*"]
---
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;
const LIST = `kind: List
apiVersion: v1
items:
- &p
  apiVersion: security.istio.io/v1
  kind: PeerAuthentication
  metadata: {name: a}
  spec: {selector: {matchLabels: {a: b}}, mtls: {mode: UNSET}, portLevelMtls: {8080: {mode: DISABLE}}}
- *p
`;

/** YAML as somebody hands it to `apply`. */
export const documents: FuzzTarget = {
  name: 'documents',
  form: 'text',
  seeds: [
    SOUND,
    LIST,
    ...otherKinds.map((each) => JSON.stringify(each)),
    '{"kind": "List", "items": []}',
    'a: &a [*a]',
    '? [a, b]\n: |2-\n  x\n',
    '%YAML 1.2\n---\n!!binary aa==\n...\n',
  ],
  words: [
    '---\n',
    '- ',
    ': ',
    '&a ',
    '*a',
    '<<: ',
    '!!',
    '!<x>',
    '|',
    '>',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    '#',
    '\t',
    '? ',
    '%TAG ! x\n',
    '\u2028',
    '\ufeff',
    '\r\n',
    'spec',
    'rules',
    'from',
    'source',
    'to',
    'operation',
    'when',
    'key',
    'values',
    'null',
    '~',
    '.inf',
    '0x1F',
    '1e999',
    '2026-11-21',
    '__proto__',
    'constructor',
  ],
  run: (input) => {
    const { resources, problems } = parseDocuments(textOf(input), { file: 'fuzz.yaml' });
    const lines = problems.map(describeProblem);
    for (const line of lines) assert.doesNotMatch(line, /[\n\r\u2028\u2029]/, 'a problem is one line');
    for (const { line, column } of problems) assert.ok(line >= 1 && column >= 1, 'a problem has a place');
    for (const resource of resources) {
      const again = parseResource(JSON.parse(toJson(resource)));
      assert.ok(again.ok, `what was read is refused on the wire: ${JSON.stringify(again)}`);
      assert.deepEqual(again.value, resource, 'what was read arrives as something else');
      requiredFeatures(resource);
    }
    return outcome(`${resources.length} ${problems[0]?.message ?? ''}`);
  },
};
