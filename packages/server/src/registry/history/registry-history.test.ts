import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { ended, prepareProcess, type PlaneProcess, type PreparedProcess } from '../../testing/plane-process.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';
import { connectAsAdmin } from '../../testing/workload-client.ts';
import type { Order, Report, Role } from './clients/client-process.ts';
import { FAULTS } from './faults.ts';
import { judge } from './judgement.ts';
import { type History, type Look, monotonicNow, type Observations, type Run } from './observations.ts';
import { NAMESPACE, SERVICES } from './workload.ts';

/** `RAMPART_CRASH_ROUNDS=100 RAMPART_HISTORY_ANSWERS=1000` before `node --test …/registry-history.test.ts`: tens of thousands of calls. */
const KILLS = Number(process.env['RAMPART_CRASH_ROUNDS'] ?? 10);
/** A start that is killed answers so many calls at most: a young process is the slowest. The last one answers many more. */
const MOST_ANSWERS = Number(process.env['RAMPART_HISTORY_ANSWERS'] ?? 100);
const LAST_ANSWERS = 15 * MOST_ANSWERS;
/** Some of those that came back may have been told what nobody else was, which nobody can judge. */
const RETURNS = 3;
const ROLES: readonly Role[] = ['api', 'consul', 'watch'];
const OPTIONS = { consul: { httpPort: 0 }, dns: { port: 0 } };

/** The processes that call. */
class Callers {
  readonly #children: readonly ChildProcess[];
  readonly #observed: Promise<readonly Observations[]>;
  answers = 0;
  /** Watches that came back to a change. */
  missed = 0;

  constructor() {
    this.#children = ROLES.map((role) =>
      fork(new URL('./clients/client-process.ts', import.meta.url), [role], { serialization: 'advanced' }),
    );
    this.#observed = Promise.all(this.#children.map((child, index) => this.#listen(child, ROLES[index] ?? '')));
    this.#observed.catch(() => undefined);
  }

  tell(order: Order): void {
    for (const child of this.#children) child.send(order);
  }

  /** Everything they saw. */
  async end(): Promise<readonly Observations[]> {
    this.tell({ end: true });
    return this.#observed;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  #listen(child: ChildProcess, role: string): Promise<Observations> {
    return new Promise((resolve, reject) => {
      child.on('message', (report: Report) => {
        if ('observations' in report) resolve(report.observations);
        else if ('missed' in report) this.missed += 1;
        else this.answers += report.answered;
      });
      child.once('exit', (code) => reject(new Error(`the ${role} process ended with ${code}`)));
    });
  }
}

describe(`a registry with callers at every door, killed ${KILLS} times`, () => {
  const planes = new TestPlanes();
  const processes = new Set<ChildProcess>();
  let callers: Callers;
  let history: History;

  function prepare(): PreparedProcess {
    const prepared = prepareProcess(planes.dataDirectory, OPTIONS);
    processes.add(prepared.child);
    return prepared;
  }

  before(async () => {
    await planes.open();
    callers = new Callers();
    const runs: Run[] = [];
    let next = prepare();
    for (let run = 0; run <= KILLS; run += 1) {
      const startedAt = monotonicNow();
      const running = await next.start();
      const servesAt = monotonicNow();
      callers.tell({ run, plane: running.plane });
      const isLast = run === KILLS;
      if (!isLast) next = prepare();
      await used(callers, isLast ? LAST_ANSWERS : randomInt(MOST_ANSWERS));
      // Where the machine is busy, answers come from some callers long before others have been away.
      if (isLast) await until('watches to come back to changes', () => callers.missed >= RETURNS, 60_000);
      const observed = isLast ? [...(await callers.end()), await foundInTheEnd(run, running)] : [];
      runs.push({ startedAt, servesAt, ...(await kill(running)) });
      if (isLast) history = joined(observed, runs);
    }
  });

  after(async () => {
    callers.close();
    for (const child of processes) child.kill('SIGKILL');
    await planes.close();
  });

  it('keeps every promise', (test) => {
    const { writes, looks, sessions, streamed } = history;
    const unanswered = writes.filter(({ to }) => to === undefined).length;
    test.diagnostic(`${writes.length} writes, ${unanswered} of them without an answer, ${looks.length} looks`);
    test.diagnostic(`${sessions.length} watches, ${streamed.length} messages of control streams`);
    const wrong = judge(history).map(({ rule, what }) => `${rule}: ${what}`);
    assert.deepEqual(wrong.slice(0, 20), []);
  });

  // A judge that accepts everything would accept this registry, too.
  for (const [name, { caught, of }] of Object.entries(FAULTS)) {
    it(`would not be believed: ${name}`, () => {
      const [faulty] = of(history);
      assert.ok(faulty !== undefined, 'nothing in this history can go wrong in this way');
      const rules = new Set(judge(faulty).map(({ rule }) => rule));
      assert.ok(rules.has(caught), `${caught} is not among ${[...rules].join(', ')}`);
    });
  }
});

async function used(callers: Callers, answers: number): Promise<void> {
  const enough = callers.answers + answers;
  await until(`${answers} answers`, () => callers.answers >= enough, 60_000 + 50 * answers);
}

/** Every service, when nobody changes anything any more. */
async function foundInTheEnd(run: number, { plane }: PlaneProcess): Promise<Observations> {
  const client = connectAsAdmin(plane);
  const looks: Look[] = [];
  for (const service of SERVICES) {
    const from = monotonicNow();
    const { instances, revision } = await client.registry.find({ service, namespace: NAMESPACE });
    const places = instances.map(({ instanceId, port }) => [instanceId, port] as const);
    looks.push({ by: 'the end', run, service, from, to: monotonicNow(), revision: Number(revision), places });
  }
  client.close();
  return { writes: [], looks, sessions: [], streamed: [], failures: [] };
}

async function kill({ child }: PlaneProcess): Promise<Pick<Run, 'killedAt' | 'goneAt'>> {
  const killedAt = monotonicNow();
  child.kill('SIGKILL');
  await ended(child);
  return { killedAt, goneAt: monotonicNow() };
}

function joined(observed: readonly Observations[], runs: readonly Run[]): History {
  return {
    runs,
    writes: observed.flatMap(({ writes }) => writes),
    looks: observed.flatMap(({ looks }) => looks),
    sessions: observed.flatMap(({ sessions }) => sessions),
    streamed: observed.flatMap(({ streamed }) => streamed),
    failures: observed.flatMap(({ failures }) => failures),
  };
}
