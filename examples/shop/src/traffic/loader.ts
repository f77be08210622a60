// The users, as a process of their own. Its first line on standard input is a LoaderTask; it prints one UserRequest a line.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { send, visit } from './journey.ts';
import type { UserRequest } from './journey.ts';

/** What the users are to do. */
export interface LoaderTask {
  readonly target: string;
  /** Requests a second; 0 for no pauses. */
  readonly rate: number;
  /** Visits in all; 0 goes on until the process is stopped. */
  readonly visits: number;
}

const USERS = ['ada', 'grace', 'edsger', 'barbara', 'alan', 'radia'] as const;
const VISITS_PER_CURIOUS_USER = 4;

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));

const [line] = (await once(input, 'line')) as [string];
const task = JSON.parse(line) as LoaderTask;
// Somebody has waited for the shop to open; everybody else comes when they come.
print(await send(task.target, { method: 'GET', path: '/' }));
await (task.visits > 0 ? visitAndLeave() : Promise.all(USERS.map((user, index) => visitForever(user, index))));
process.exit(0);

async function visitAndLeave(): Promise<void> {
  for (let index = 0; index < task.visits; index += 1) {
    await visitAs(USERS[index % USERS.length] ?? 'ada', false);
  }
}

async function visitForever(user: string, index: number): Promise<void> {
  for (let count = index; ; count += 1) {
    await visitAs(user, count % VISITS_PER_CURIOUS_USER === VISITS_PER_CURIOUS_USER - 1);
  }
}

function visitAs(user: string, curious: boolean): Promise<void> {
  return visit({
    user,
    target: task.target,
    // oxlint-disable-next-line no-restricted-properties -- the users are the outside world
    random: Math.random,
    thinkMs: task.rate > 0 ? (USERS.length / task.rate) * 1000 : 0,
    curious,
    onRequest: print,
  });
}

function print(request: UserRequest): void {
  process.stdout.write(`${JSON.stringify(request)}\n`);
}
