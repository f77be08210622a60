import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { Tally } from '../live/tally.ts';
import { describeAbsence } from '../mesh/foreign-services.ts';
import { startShop } from '../mesh/shop.ts';
import type { Shop } from '../mesh/shop.ts';
import type { ShopOptions } from '../options.ts';
import { describeExit } from '../process/child.ts';
import type { Child } from '../process/child.ts';
import type { UserRequest } from '../traffic/journey.ts';
import { letIn, sightsOf } from '../traffic/users.ts';
import type { UserPlan } from '../traffic/users.ts';
import type { World } from '../world.ts';
import { expectation } from './expectation.ts';
import type { Expectation, ScenarioReport } from './expectation.ts';
import { intrusion } from './intrusion.ts';
import { poisoning } from './poisoning.ts';
import { everyCertificateInLedger, everyoneInStep } from './ledger.ts';
import { mixedLanguages } from './mixed-languages.ts';
import { bothReporters, nothingInPlaintext, orderFlow, visitAnswered } from './order-flow.ts';
import { rulesOfTraffic } from './rules-of-traffic.ts';
import { shortcut } from './shortcut.ts';

const VISITS = 3;
const LONGEST_MS = 25_000;

export interface ScenarioOptions extends ShopOptions {
  /** Resolves when services can start fast. */
  readonly warm: Promise<void>;
  /** Ends the scenario early. */
  readonly stopped: AbortSignal;
}

/** Drives the demo's scenario once on fresh data and stops everything it started. */
export async function runScenario(
  world: World,
  options: ScenarioOptions,
  tell: (line: string) => void,
): Promise<ScenarioReport> {
  const dataDirectory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'rampart-shop-')));
  const deaths: string[] = [];
  const onDeath = (child: Child): void => {
    void child.exited.then((exit) => deaths.push(`${child.name}: ${describeExit(exit)} ${child.lastWords.join(' ')}`));
  };
  try {
    const visits = new Visits(world);
    const { ports, warm } = options;
    const shop = await startShop(world, { dataDirectory, ports, warm, users: visits.plan, onDeath });
    try {
      return await Promise.race([drive(shop, visits, { tell, deaths }), interruption(options.stopped)]);
    } finally {
      await shop.stop();
    }
  } finally {
    if (options.dataDirectory === undefined) await rm(dataDirectory, { recursive: true, force: true });
  }
}

async function drive(
  shop: Shop,
  visits: Visits,
  log: { readonly tell: (line: string) => void; readonly deaths: readonly string[] },
): Promise<ScenarioReport> {
  const tally = new Tally();
  shop.records.onEvent((event) => tally.add(event));
  for (const service of shop.absent) log.tell(describeAbsence(service));
  const sights = sightsOf(shop.services);
  letIn(shop.users, sights);
  await shop.users.exited;
  const { requests, readyMs } = visits;
  const times = Object.entries({ ...shop.times, firstAnswer: readyMs }).toSorted(([, a], [, b]) => a - b);
  log.tell(`ready: ${times.map(([step, at]) => `${step} ${Math.round(at)} ms`).join(', ')}`);

  const orders = [
    visitAnswered(requests, sights),
    ...(await orderFlow(shop)),
    await bothReporters(shop.records),
    ...(await mixedLanguages(shop)),
  ];
  const ruled = await rulesOfTraffic(shop);
  const [opened, intruded, poisoned] = [await shortcut(shop), await intrusion(shop), await poisoning(shop)];
  const expectations: Expectation[] = [
    await everyoneInStep(shop),
    ...orders,
    ...opened,
    ...ruled,
    ...intruded.expectations,
    ...poisoned,
    nothingInPlaintext(shop.records),
    ...(await everyCertificateInLedger(shop, intruded)),
    expectation('no process of the shop died', 'none', log.deaths.join('; ') || 'none'),
  ];
  return {
    expectations,
    requests: tally.requests,
    denied: tally.denied,
    plaintext_rejected: tally.plaintextRejected,
    mtls: tally.mtls,
    ready_ms: Math.round(readyMs),
    left_out: shop.absent.map(describeAbsence),
    ok: expectations.every(({ ok }) => ok),
  };
}

/** Rejects when somebody wants the scenario to end early, or when it takes longer than it may. */
async function interruption(stopped: AbortSignal): Promise<never> {
  const late = AbortSignal.timeout(LONGEST_MS);
  const either = AbortSignal.any([stopped, late]);
  if (!either.aborted) await once(either, 'abort');
  const reason = late.aborted ? `the scenario did not end within ${LONGEST_MS} ms` : 'stopped before the end';
  throw new RampartError('INTERNAL', reason);
}

/** What users did and saw. */
class Visits {
  readonly requests: UserRequest[] = [];
  /** Milliseconds from the start of the process to the first answer; 0 before it. */
  readyMs = 0;
  readonly plan: UserPlan;

  constructor(world: World) {
    const onRequest = (request: UserRequest): void => {
      if (this.readyMs === 0 && request.status === 200) this.readyMs = world.uptime();
      this.requests.push(request);
    };
    this.plan = { rate: 0, visits: VISITS, onRequest };
  }
}
