import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeQuestion, type Question, type Verdict } from '../../index.ts';
import { resourcesOf } from '../../testing/documents.ts';

const ORDERS = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: orders, namespace: shop }
spec:
  podSelector: { matchLabels: { app: orders } }
  ingress:
    - from: [{ podSelector: { matchLabels: { app: web } } }, { namespaceSelector: { matchLabels: { team: ops } } }]
      ports: [{ port: 8080 }]
`;
const WEB_STAYS_IN = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: shop }
spec: { podSelector: { matchLabels: { app: web } }, policyTypes: [Egress] }
`;
const OPS = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: operations, labels: { team: ops } }\n';
const STRICT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;

function ask(documents: readonly string[], question: Partial<Question> & { readonly port?: number }): Verdict {
  return judgeQuestion(
    {
      from: 'cluster.local/ns/shop/sa/web',
      to: {
        namespace: 'shop',
        serviceAccount: 'orders',
        labels: { app: 'orders' },
        service: { name: 'orders', namespace: 'shop' },
        port: question.port ?? 8080,
      },
      method: 'GET',
      path: '/',
      host: '',
      headers: {},
      sourceIp: '',
      ...question,
    },
    { resources: resourcesOf(documents.join('\n---\n')), rootNamespace: 'istio-system', trustDomain: 'cluster.local' },
  );
}

describe('a question and NetworkPolicies', () => {
  it('a caller carries the label of its service account unless told otherwise', () => {
    assert.equal(ask([ORDERS], {}).decision, 'ALLOW');
    const verdict = ask([ORDERS], { from: 'cluster.local/ns/shop/sa/batch' });
    assert.equal(verdict.decision, 'DENY');
    assert.equal(verdict.policy, 'shop/orders');
    assert.match(
      verdict.reason,
      /no ingress rule of NetworkPolicy shop\/orders lets .*sa\/batch \(app=batch\) in on port 8080/,
    );
    assert.equal(verdict.mode, 'mTLS PERMISSIVE by default');
  });

  it('every holder of the identity must get in', () => {
    assert.equal(ask([ORDERS], { callerLabels: [{ app: 'web' }, { app: 'web', v: '2' }] }).decision, 'ALLOW');
    assert.equal(ask([ORDERS], { callerLabels: [{ app: 'web' }, { app: 'canary' }] }).decision, 'DENY');
  });

  it('the port counts, and who calls without identity is an address', () => {
    assert.equal(ask([ORDERS], { port: 9090 }).decision, 'DENY');
    assert.match(ask([ORDERS], { from: '' }).reason, /lets 127\.0\.0\.1 in on port 8080/);
    assert.match(ask([ORDERS], { from: 'cluster.local/batch' }).reason, /whose labels are not known here/);
  });

  it('labels of namespaces are those of Namespace resources', () => {
    const from = 'cluster.local/ns/operations/sa/shell';
    assert.equal(ask([ORDERS], { from }).decision, 'DENY');
    assert.equal(ask([ORDERS, OPS], { from }).decision, 'ALLOW');
  });

  it('the caller’s own egress counts too', () => {
    const verdict = ask([ORDERS, WEB_STAYS_IN], {});
    assert.equal(verdict.policy, 'shop/web');
    assert.match(verdict.reason, /no egress rule of NetworkPolicy shop\/web lets this workload out to .* on port 8080/);
  });

  it('what is denied otherwise keeps its reason', () => {
    assert.match(ask([ORDERS, STRICT], { from: '' }).reason, /plaintext refused/);
  });
});
