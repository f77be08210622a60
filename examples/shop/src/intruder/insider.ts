// The intruder inside the mesh: a workload with a valid identity of its own (namespace web, service account batch).
// An ordinary program, like the services; it is the mesh that makes it who it is. Prints one Attempt a line.
import type { Attempt, AttemptName } from './attempt.ts';

const SERVICE = 'http://orders-api.default';
const BEHIND_A_SIDECAR = 'http://delivery-api.default';
const VICTIM = 'spiffe://cluster.local/ns/default/sa/users-api';
const FORGED = `By=spiffe://cluster.local/ns/default/sa/orders-api;Hash=${'0'.repeat(64)};URI=${VICTIM}`;

await attempt('valid identity, forbidden path', `${SERVICE}/api/orders/1`);
await attempt('forged X-Forwarded-Client-Cert', `${SERVICE}/api/orders/1?on-behalf-of=users-api`, {
  'x-forwarded-client-cert': FORGED,
});
await attempt('valid identity, behind a sidecar', `${BEHIND_A_SIDECAR}/api/deliveries/1?user=ada&sku=lamp`);

async function attempt(name: AttemptName, url: string, headers: Record<string, string> = {}): Promise<void> {
  const { pathname, search } = new URL(url);
  const answer = await call(url, headers);
  const result = { name, path: pathname + search, from: '', serverSerial: '', ...answer } satisfies Attempt;
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function call(
  url: string,
  headers: Record<string, string>,
): Promise<Pick<Attempt, 'status' | 'body' | 'outcome'>> {
  try {
    const answer = await fetch(url, { headers });
    const body = await answer.text();
    return { status: answer.status, body, outcome: `answered ${answer.status} ${body}` };
  } catch (error) {
    return {
      status: 0,
      body: '',
      outcome: error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error),
    };
  }
}
