import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { median, rounded, versusBest } from '../harness/figures.ts';
import { residentMegabytes } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';

const SCRIPT = fileURLToPath(new URL('subject-process.ts', import.meta.url));
const POLICIES = [10, 100, 1_000, 10_000] as const;
const RAMPART = 'rampart';
/** Two ways of writing it; which of them is the limit depends on how much there is. */
const HANDWRITTEN = ['handwritten', 'handwritten-tables'];
const PEERS = ['cedar', 'casbin', 'opa'];
const SUBJECTS = [RAMPART, 'rampart-with-reason', 'rampart-new-connection', ...HANDWRITTEN, ...PEERS];
/** The number of policies that the two ratios of speed are about. */
const REFERENCE = 1_000;

/** One subject with one number of policies, and what its rounds gave. */
interface Series {
  readonly name: string;
  readonly policies: number;
  readonly child: Child;
  readonly preparedMs: number;
  readonly answers: string;
  /** Decisions in a second of processor time, round by round. */
  readonly speeds: number[];
}

/** Decisions a second on one core, the same questions for all. */
export async function benchPolicy(options: RunOptions): Promise<Record<string, unknown>> {
  const series: Series[] = [];
  const absent = new Map<string, string>();
  try {
    for (const policies of POLICIES) {
      options.progress(`preparing ${policies} policies`);
      await start(policies, { series, absent, options });
      compareAnswers(series.filter((each) => each.policies === policies));
    }
    await rounds(series, options);
    const missing = [...absent].map(([name, reason]) => ({ name, absent: reason }));
    return { subjects: [...series.map(report), ...missing], ratios: ratios(series) };
  } finally {
    for (const { child } of series) await child.stop();
  }
}

interface Gathering {
  readonly series: Series[];
  readonly absent: Map<string, string>;
  readonly options: RunOptions;
}

async function start(policies: number, { series, absent, options }: Gathering): Promise<void> {
  for (const name of SUBJECTS) {
    if (absent.has(name)) continue;
    const { child, hello } = await Child.start({ script: SCRIPT, args: [name, String(policies)] }, options.environment);
    const reason = hello['absent'];
    if (typeof reason === 'string') absent.set(name, reason);
    else {
      const [answers, preparedMs] = [String(hello['answers']), Number(hello['preparedMs'])];
      series.push({ name, policies, child, preparedMs, answers, speeds: [] });
    }
  }
}

/** A subject that decides something else is not measured: it answers another question. */
function compareAnswers(series: readonly Series[]): void {
  const [first, ...others] = series;
  if (first === undefined) return;
  for (const other of others) {
    if (other.answers === first.answers) continue;
    const differing = first.answers.split('').filter((answer, index) => answer !== other.answers[index]).length;
    throw new Error(
      `with ${first.policies} policies ${other.name} decides ${differing} of ${first.answers.length} questions differently from ${first.name}`,
    );
  }
}

async function rounds(series: readonly Series[], { quick, progress }: RunOptions): Promise<void> {
  const count = quick ? 5 : 11;
  const milliseconds = quick ? 80 : 500;
  // Twice: what is compiled late is compiled before it counts.
  for (const { child } of [...series, ...series]) await child.ask({ milliseconds });
  for (let round = 1; round <= count; round += 1) {
    progress(`round ${round} of ${count}`);
    for (const { child, speeds } of series) {
      const answer = await child.ask({ milliseconds });
      speeds.push(Number(answer['decisions']) / Number(answer['cpuSeconds']));
    }
  }
}

function report({ name, policies, child, preparedMs, answers, speeds }: Series): Record<string, unknown> {
  const perSecond = median(speeds);
  return {
    name,
    policies,
    decisions_per_second: rounded(perSecond, 0),
    ns_per_decision: rounded(1e9 / perSecond, 0),
    allowed_share: rounded(answers.split('').filter((answer) => answer === '1').length / answers.length, 3),
    prepare_ms: rounded(preparedMs, 0),
    rss_mb: rounded(residentMegabytes(child.pid), 0),
  };
}

function ratios(series: readonly Series[]): Record<string, number> {
  const speeds = (name: string, policies: number): readonly number[] =>
    series.find((each) => each.name === name && each.policies === policies)?.speeds ?? [];
  const ours = speeds(RAMPART, REFERENCE);
  const over = (mine: readonly number[], theirs: readonly (readonly number[])[], digits: number): number =>
    rounded(versusBest(mine, theirs, 'highest'), digits);
  const all = (names: readonly string[]): readonly (readonly number[])[] =>
    names.map((name) => speeds(name, REFERENCE)).filter((each) => each.length > 0);
  return {
    decisions_vs_best_peer: over(ours, all(PEERS), 1),
    decisions_vs_handwritten: over(ours, all(HANDWRITTEN), 3),
    cost_growth_100_to_10000: over(speeds(RAMPART, 100), [speeds(RAMPART, 10_000)], 2),
  };
}
