// The poisoner, a process of its own: it wants to be found as payment-service. It has tokens that are not its own, and tries them
// on the registry's door. Its first line on standard input is a PoisonerTask; it prints one Registration a line.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { POISON } from './attempt.ts';
import type { PoisonerTask, Registration, RegistrationName } from './attempt.ts';

const HOME = '127.0.0.1';
const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string];
const { registry, caFile, stolen } = JSON.parse(line) as PoisonerTask;
const ca = readFileSync(caFile, 'utf8');

await attempt('token of another service', HOME);
await attempt('token of the ops team', HOME);
await attempt('foreign network', POISON);
process.exit(0);

/** Without a host, an instance is where its registration comes from. */
async function attempt(name: RegistrationName, from: string): Promise<void> {
  const instance = {
    instanceId: `payment-service-${name.replaceAll(' ', '-')}`,
    service: 'payment-service',
    namespace: 'prod',
    port: 8080,
  };
  const result: Registration = { name, from, ...(await send({ instance }, stolen[name], from)) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function send(
  message: object,
  token: string,
  localAddress: string,
): Promise<Pick<Registration, 'status' | 'message'>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const url = new URL('/rampart.v1.RegistryService/Register', registry);
  try {
    const asked = request(url, { method: 'POST', ca, headers, localAddress });
    asked.end(JSON.stringify(message));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, message: messageOf(await text(answer)) };
  } catch (error) {
    return { status: 0, message: error instanceof Error ? error.message : String(error) };
  }
}

function messageOf(body: string): string {
  const answer: unknown = JSON.parse(body);
  const hasMessage = typeof answer === 'object' && answer !== null && 'message' in answer;
  return hasMessage ? String(answer.message) : body;
}
