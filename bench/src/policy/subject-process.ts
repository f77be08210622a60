// One subject with one number of policies, in a process of its own: `node subject-process.ts SUBJECT POLICIES`.
import type { Decide, Decider } from './decider.ts';
import { createQuestions } from './questions.ts';
import { casbin } from './subjects/casbin.ts';
import { cedar } from './subjects/cedar.ts';
import { handwritten } from './subjects/handwritten.ts';
import { handwrittenTables } from './subjects/handwritten-tables.ts';
import { opa } from './subjects/opa.ts';
import { rampart, rampartNewConnection, rampartWithReason } from './subjects/rampart.ts';
import { createWorld } from './world.ts';

const DECIDERS: readonly Decider[] = [
  rampart,
  rampartWithReason,
  rampartNewConnection,
  handwritten,
  handwrittenTables,
  cedar,
  casbin,
  opa,
];

const [name = '', policies = ''] = process.argv.slice(2);
const decider = DECIDERS.find((each) => each.name === name);
if (decider === undefined) throw new Error(`there is no subject ${name}`);
const world = createWorld(Number(policies));
const questions = createQuestions(world);
const startedAt = performance.now();
const decide = await decider.prepare(world);
const preparedMs = performance.now() - startedAt;
if (typeof decide === 'function') {
  process.on('message', (message) => {
    process.send?.(run(decide, (message as { readonly milliseconds: number }).milliseconds));
  });
  process.send?.({ preparedMs, answers: questions.map((question) => (decide(question) ? '1' : '0')).join('') });
} else {
  process.send?.(decide);
  process.disconnect();
}

/** Looks at the clock after every 64 decisions or so; which question comes next goes on from one run to the next. */
let next = 0;
function run(decide: Decide, milliseconds: number): Record<string, number> {
  const batch = 64;
  let decisions = 0;
  let allowed = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  let elapsed = 0;
  while (elapsed < milliseconds) {
    for (let index = 0; index < batch; index += 1) {
      const question = questions[next];
      if (question === undefined) throw new Error('there are no questions');
      if (decide(question)) allowed += 1;
      next = next + 1 === questions.length ? 0 : next + 1;
    }
    decisions += batch;
    elapsed = performance.now() - from;
  }
  const { user, system } = process.cpuUsage(cpu);
  return { decisions, allowed, cpuSeconds: (user + system) / 1_000_000 };
}
