const COUNT = 50;

/** Fifty policies that all select the service, as a busy namespace has them: mesh-wide STRICT, one that lets the caller in, the rest for others. */
export function benchmarkPolicies(): string {
  const documents = [
    `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }`,
  ];
  for (let index = 1; index < COUNT; index += 1) {
    const caller = index === COUNT / 2 ? 'users-api' : `caller-${index}`;
    const action = index % 10 === 0 ? 'DENY' : 'ALLOW';
    const principal =
      action === 'DENY' ? `cluster.local/ns/default/sa/banned-${index}` : `cluster.local/ns/default/sa/${caller}`;
    documents.push(`apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: policy-${index}, namespace: default }
spec:
  selector: { matchLabels: { app: orders-api } }
  action: ${action}
  rules:
  - from: [{ source: { principals: ["${principal}"] } }]
    to: [{ operation: { methods: ["GET", "POST"], paths: ["/api/orders/*"] } }]`);
  }
  return documents.join('\n---\n');
}
