import { STRICT } from '../harness/policies.ts';

const SERVICES = ['stock', 'orders', 'mail'] as const;
const DISTRACTIONS = 12;

function principals(...accounts: readonly string[]): string {
  return accounts.map((account) => `cluster.local/ns/default/sa/${account}`).join(', ');
}

function policy(name: string, app: string, callers: readonly string[]): string {
  return `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: default }
spec:
  selector: { matchLabels: { app: ${app} } }
  action: ALLOW
  rules: [{ from: [{ source: { principals: [${principals(...callers)}] } }] }]
`;
}

/** What holds all the time: two may call everything, nobody else may call anything. */
export const STANDING: string = [
  STRICT,
  ...SERVICES.map((service) => policy(`${service}-customers`, service, ['shopper', 'walker'])),
].join('---\n');

/** The door: lets guests in as well. */
export const DOOR: string = SERVICES.map((service) => policy(`${service}-guests`, service, ['guest'])).join('---\n');

/** Policies of somebody else, which every data plane hears of and none of the flows meets. */
export const DISTRACTION: string = Array.from({ length: DISTRACTIONS }, (_, index) =>
  policy(`elsewhere-${index}`, `elsewhere-${index}`, [`nobody-${index}`]),
).join('---\n');

/** What `deleteResources` takes for the names in a document. */
export const NAMES: Readonly<Record<'door' | 'distraction', readonly string[]>> = {
  door: SERVICES.map((service) => `${service}-guests`),
  distraction: Array.from({ length: DISTRACTIONS }, (_, index) => `elsewhere-${index}`),
};
