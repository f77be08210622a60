import { DISTURBANCES } from './churn.ts';
import type { ChurnPlace } from './churn.ts';
import { Customers } from './customers.ts';
import { flowsOf } from './flow.ts';
import type { Flow, Outcome } from './flow.ts';
import { Judgement } from './judgement.ts';
import { SoakReport } from './soak-report.ts';
import { SoakMesh } from './soak-mesh.ts';
import { Vitals } from './vitals.ts';

export interface SoakOptions {
  /** How long customers are served. */
  readonly seconds: number;
  /** Told what happens, as it happens. */
  readonly tell: (line: string) => void;
  /** Ends it early; what was seen until then is reported. */
  readonly stopped?: AbortSignal;
}

const SAMPLE_MS = 1000;
/** What is garbage is no growth. */
const COLLECT_MS = 10_000;
/** Between two disturbances: a fraction of the whole, within bounds. */
const SHARE_OF_PAUSE = 0.01;
const LEAST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 3000;
/** Certificates are renewed at half their life, several times in a soak; an outage of the control plane is shorter than that. */
const SHARE_OF_TTL = 0.2;
const LEAST_TTL_SECONDS = 30;
const LONGEST_TTL_SECONDS = 120;
/** The control plane's memory is judged in what comes after. */
const RESTARTS_UNTIL = 0.5;
/** So short that nothing of it is judged by memory: everything happens as often as there is time. */
const SHORT_SECONDS = 150;

/** A mesh of real processes under steady load and steady change. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seconds, tell } = options;
  const ttl = Math.min(LONGEST_TTL_SECONDS, Math.max(LEAST_TTL_SECONDS, Math.round(seconds * SHARE_OF_TTL)));
  const mesh = await SoakMesh.start(`${ttl}s`);
  const report = new SoakReport(ttl);
  try {
    tell(`${mesh.processes().size} processes that stay, certificates live ${ttl} s`);
    await new Run(mesh, report, options).toTheEnd();
    report.complaints.push(...mesh.complaints());
    return report;
  } finally {
    await mesh.stop();
  }
}

class Run {
  readonly #mesh: SoakMesh;
  readonly #report: SoakReport;
  readonly #options: SoakOptions;
  readonly #judgement = new Judgement();
  readonly #vitals = new Vitals();
  readonly #began: number = Date.now();

  constructor(mesh: SoakMesh, report: SoakReport, options: SoakOptions) {
    this.#mesh = mesh;
    this.#report = report;
    this.#options = options;
  }

  async toTheEnd(): Promise<void> {
    this.#judgement.doorIs(false, Date.now());
    const customers = await this.#open();
    const sampling = setInterval(() => this.#sample(), SAMPLE_MS);
    const collecting = setInterval(() => this.#mesh.collect(), COLLECT_MS);
    try {
      await this.#churn();
    } finally {
      clearInterval(sampling);
      clearInterval(collecting);
    }
    this.#report.problems.push(...this.#mesh.dead());
    for (const each of customers) {
      await each.stop().catch((error: unknown) => this.#report.problems.push(reasonOf(error)));
    }
    this.#report.seconds = Math.round(this.#elapsed());
    this.#report.health = this.#vitals.report(this.#elapsed());
  }

  #sample(): void {
    const mesh = this.#mesh;
    this.#vitals.sample({ processes: mesh.processes(), held: (pid) => mesh.held(pid) }, this.#elapsed());
  }

  async #open(): Promise<Customers[]> {
    const { mailPort } = this.#mesh;
    const onOutcome = (outcome: Outcome): void => this.#judge(outcome);
    const inProcess = (['shopper', 'thief'] as const).map((name) => {
      const flows = flowsOf({ name, right: name === 'shopper' ? 'allowed' : 'denied' }, mailPort);
      return new Customers(this.#mesh.workload(name).process, flows, onOutcome);
    });
    const rights = { walker: 'allowed', smuggler: 'denied', guest: 'door' } as const;
    const behindSidecars: Flow[] = (['walker', 'smuggler', 'guest'] as const).flatMap((name) =>
      flowsOf({ name, right: rights[name], proxy: this.#mesh.proxyOf(name) }, mailPort),
    );
    return [...inProcess, new Customers(await Customers.outside(), behindSidecars, onOutcome)];
  }

  #judge(outcome: Outcome): void {
    const verdict = this.#judgement.verdictOn(outcome);
    const problem = this.#report.count(outcome, verdict);
    if (problem) this.#tell(`${verdict.toUpperCase()}  ${outcome.flow.name}: ${outcome.code}`);
  }

  async #churn(): Promise<void> {
    const place: ChurnPlace = {
      mesh: this.#mesh,
      judgement: this.#judgement,
      now: Date.now,
      onNewControlPlane: () => this.#vitals.anew('control plane', this.#elapsed()),
    };
    const { seconds, stopped } = this.#options;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, seconds * 1000 * SHARE_OF_PAUSE));
    for (let turn = 0; ; turn += 1) {
      await new Promise((resolve) => {
        setTimeout(resolve, pauseMs);
      });
      if (this.#elapsed() >= seconds || stopped?.aborted === true) return;
      const next = DISTURBANCES[turn % DISTURBANCES.length];
      if (next === undefined) return;
      const isLate = seconds > SHORT_SECONDS && this.#elapsed() > seconds * RESTARTS_UNTIL;
      if (next.isRestart === true && isLate) continue;
      const began = Date.now();
      try {
        await next.happen(place);
        this.#report.happened(next.name);
        this.#tell(`${next.name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
      } catch (error) {
        this.#report.problems.push(`${next.name}: ${reasonOf(error)}`);
        this.#tell(`PROBLEM  ${next.name}: ${reasonOf(error)}`);
      }
    }
  }

  #elapsed(): number {
    return (Date.now() - this.#began) / 1000;
  }

  #tell(line: string): void {
    this.#options.tell(`${this.#elapsed().toFixed(1).padStart(6)} s  ${line}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
