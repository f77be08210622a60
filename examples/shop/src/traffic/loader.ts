// The users, as a process of their own. On standard input it is told a LoaderTask, then the Sights; it prints one UserRequest a line.
import { createInterface } from 'node:readline';
import { send, visit } from './journey.ts';
import type { Sights, UserRequest } from './journey.ts';

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

const lines = input[Symbol.asyncIterator]();
const task = (await told()) as LoaderTask;
// Somebody has waited for the shop to open; everybody else comes when they come.
print(await send(task.target, { method: 'GET', path: '/' }));
const sights = (await told()) as Sights;
await (task.visits > 0 ? visitAndLeave() : Promise.all(USERS.map((user, index) => visitForever(user, index))));
process.exit(0);

async function told(): Promise<unknown> {
  const { value } = await lines.next();
  return JSON.parse(value ?? 'null');
}

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
    sights,
    onRequest: print,
  });
}

function print(request: UserRequest): void {
  process.stdout.write(`${JSON.stringify(request)}\n`);
}
