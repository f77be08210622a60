/** Everything in the mesh speaks mutual TLS. */
export const STRICT = `apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;

/** Only \`principal\` may call \`app\`, with GET and POST below /api/. */
export function allowOnly(app: string, principal: string): string {
  return `apiVersion: security.istio.io/v1beta1
kind: AuthorizationPolicy
metadata: { name: ${app}-policy, namespace: default }
spec:
  selector: { matchLabels: { app: ${app} } }
  action: ALLOW
  rules:
  - from: [{ source: { principals: ["cluster.local/ns/default/sa/${principal}"] } }]
    to: [{ operation: { methods: ["GET", "POST"], paths: ["/api/*"] } }]
`;
}
