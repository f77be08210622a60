import type { Outcome } from './flow.ts';
import type { Verdict } from './judgement.ts';
import type { Health } from './vitals.ts';

/** What came of the requests of one flow. */
interface FlowCount {
  passed: number;
  denied: number;
  /** Denied in another way than with an answer: its connection was closed. */
  closed: number;
  /** Lost with an instance that was killed. */
  excused: number;
  failed: number;
  breaches: number;
}

const KEPT_PROBLEMS = 20;

/** What a soak came to. */
export class SoakReport {
  seconds = 0;
  /** Seconds that a certificate lived. */
  readonly workloadTtl: number;
  health: readonly Health[] = [];
  /** Requests that did not come out as they should, the first of them. */
  readonly requests: string[] = [];
  /** What else went wrong. */
  readonly problems: string[] = [];
  /** Lines that processes logged as warnings or errors. */
  readonly complaints: string[] = [];
  readonly #flows = new Map<string, FlowCount>();
  readonly #happened = new Map<string, number>();

  constructor(workloadTtl: number) {
    this.workloadTtl = workloadTtl;
  }

  /** Counts one request; true for one of the first that did not come out as they should. */
  count({ flow, began, code }: Outcome, verdict: Verdict): boolean {
    const counted = this.#flows.get(flow.name) ?? {
      passed: 0,
      denied: 0,
      closed: 0,
      excused: 0,
      failed: 0,
      breaches: 0,
    };
    this.#flows.set(flow.name, counted);
    if (verdict === 'turned away') counted.closed += 1;
    else if (verdict === 'excused') counted.excused += 1;
    else if (verdict === 'failed') counted.failed += 1;
    else if (verdict === 'breach') counted.breaches += 1;
    else if (code === 'passed') counted.passed += 1;
    else if (code === 'denied' || code === 'closed') counted.denied += 1;
    const isProblem = verdict === 'failed' || verdict === 'breach';
    if (!isProblem || this.requests.length >= KEPT_PROBLEMS) return false;
    this.requests.push(`${verdict}: ${flow.name}: ${code} (${new Date(began).toISOString()})`);
    return true;
  }

  happened(what: string): void {
    this.#happened.set(what, (this.#happened.get(what) ?? 0) + 1);
  }

  get ok(): boolean {
    const counts = [...this.#flows.values()];
    const served = counts.length > 0 && counts.every(({ passed, denied }) => passed + denied > 0);
    const right = counts.every(({ failed, breaches }) => failed + breaches === 0);
    return served && right && this.problems.length === 0 && this.health.every(({ ok }) => ok);
  }

  toJSON(): Record<string, unknown> {
    return {
      ok: this.ok,
      seconds: this.seconds,
      workload_ttl_seconds: this.workloadTtl,
      flows: Object.fromEntries(this.#flows),
      churn: Object.fromEntries(this.#happened),
      processes: this.health,
      requests: this.requests,
      problems: this.problems,
      complaints: alike(this.complaints),
    };
  }

  render(): string {
    const flows = [...this.#flows]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, { passed, denied, closed, excused, failed, breaches }]) => [
        name,
        passed,
        denied,
        closed,
        excused,
        failed,
        breaches,
      ]);
    const health = this.health.map((each) => [
      each.process,
      ...[each.mb_first, each.mb_last, each.mb_per_minute, each.mb_peak],
      each.objects_mb_first === undefined ? '-' : `${each.objects_mb_first} → ${each.objects_mb_last}`,
      ...[`${each.descriptors_first} → ${each.descriptors_last}`, wordFor(each)],
    ]);
    return [
      ...table(['FLOW', 'PASSED', 'DENIED', 'CLOSED', 'LOST WITH AN INSTANCE', 'FAILED', 'BREACHES'], flows),
      '',
      ...table(['PROCESS', 'MB', 'MB AT THE END', 'MB/MINUTE', 'MB PEAK', 'MB OF OBJECTS', 'DESCRIPTORS', ''], health),
      '',
      ...[...this.#happened].map(([what, count]) => `${count} × ${what}`),
      '',
      ...[...this.requests, ...this.problems].map((line) => `NOT OK  ${line}`),
      ...alike(this.complaints).map((line) => `said    ${line}`),
      `${this.ok ? 'ok' : 'NOT OK'}: ${this.seconds} s, certificates of ${this.workloadTtl} s`,
      '',
    ].join('\n');
  }
}

/** Lines that differ in numbers alone are one, with how often it was said. */
function alike(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const plain = line.replaceAll(/\b[\dA-F]{12,}\b/g, '…').replaceAll(/\b\d{3,}(?:\.\d+)?\b/g, '…');
    counts.set(plain, (counts.get(plain) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `${count} × ${line}`);
}

function wordFor({ judged, ok }: Health): string {
  if (!judged) return 'too short to say';
  return ok ? 'flat' : 'GROWS';
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
