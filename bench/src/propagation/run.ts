import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import { median, percentile, rounded } from '../harness/figures.ts';
import { cpuMicros, residentMegabytes } from '../harness/process-figures.ts';
import type { RunOptions } from '../harness/run-options.ts';
import { AdminConsole } from './admin-console.ts';
import type { FleetOrder } from './order.ts';
import { probeDenial, standingPolicies, workloads, type FleetWorkload } from './mesh.ts';

const CONTROL_PLANE = fileURLToPath(new URL('control-plane.ts', import.meta.url));
const FLEET = fileURLToPath(new URL('fleet-process.ts', import.meta.url));
const DATA_PLANES = 200;
const FLEETS = 2;
const ROOT_NAMESPACE = 'istio-system';
/** What the p99 is held against. */
const TARGET_MS = 250;
/** The same for revocations. */
const REVOCATION_TARGET_MS = 1000;
const PAUSE_MS = 50;

interface Mesh {
  readonly control: Child;
  readonly fleets: readonly Child[];
  readonly admin: AdminConsole;
}

/** One change of policy; times in milliseconds. */
interface Round {
  /** From the call to its answer. */
  readonly applyMs: number;
  /** For each data plane, from the answer to the first probe that is denied; 0 for those that were quicker than the answer. */
  readonly afterAnswer: readonly number[];
  /** The same from when the call was made. */
  readonly afterCall: readonly number[];
}

/** How long a change of policy takes until every one of 200 connected data planes enforces it. */
export async function benchPropagation(options: RunOptions): Promise<Record<string, unknown>> {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-'));
  const children: Child[] = [];
  try {
    const mesh = await startMesh(directory, { children, options });
    await rounds(mesh, { first: 0, count: 5, change: denial });
    const before = await costs(mesh);
    const count = options.quick ? 30 : 150;
    options.progress(`${count} changes`);
    const done = await rounds(mesh, { first: 5, count, change: denial });
    const after = await costs(mesh);
    options.progress(`${count} revocations`);
    const revoked = await rounds(mesh, { first: 0, count, change: revocation });
    return report(done, revoked, {
      cpu: (after.cpu - before.cpu) / count,
      bytes: (after.bytes - before.bytes) / count,
      memory: after.memory,
    });
  } finally {
    for (const child of children.toReversed()) await child.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Setting {
  /** Every process that was started, to be stopped in the end. */
  readonly children: Child[];
  readonly options: RunOptions;
}

async function startMesh(directory: string, { children, options }: Setting): Promise<Mesh> {
  const start = async (script: string, args: readonly string[]): Promise<Record<string, unknown>> => {
    const { child, hello } = await Child.start({ script, args }, options.environment);
    children.push(child);
    return hello;
  };
  const control = await start(CONTROL_PLANE, [directory]);
  const [address, caFile, tokenFile] = [control['address'], control['caFile'], control['tokenFile']].map(String);
  const admin = new AdminConsole({ address: address ?? '', caFile: caFile ?? '', tokenFile: tokenFile ?? '' });
  await admin.apply(standingPolicies());
  options.progress(`connecting ${DATA_PLANES} data planes`);
  const all = workloads(DATA_PLANES);
  for (let index = 0; index < FLEETS; index += 1) {
    await start(FLEET, []);
    const mine = all.filter((_, position) => position % FLEETS === index);
    const order = {
      kind: 'start',
      address: address ?? '',
      caFile: caFile ?? '',
      rootNamespace: ROOT_NAMESPACE,
    } as const;
    await children.at(-1)?.ask({
      ...order,
      spoolDirectory: join(directory, 'spool'),
      planes: await enrol(admin, mine),
    } satisfies FleetOrder);
  }
  const [first, ...fleets] = children;
  if (first === undefined) throw new Error('there is no control plane');
  return { control: first, fleets, admin };
}

async function enrol(admin: AdminConsole, mine: readonly FleetWorkload[]): Promise<FleetOrder['planes']> {
  const planes = [];
  for (const { id, port, ...workload } of mine) planes.push({ id, port, joinToken: await admin.joinToken(workload) });
  return planes;
}

/** What is changed in a round, and what data planes are to look for. */
interface Change {
  readonly sign: { readonly path: string } | { readonly spiffeId: string };
  make(admin: AdminConsole): Promise<void>;
}

type ChangeOf = (index: number) => Change;

const denial: ChangeOf = (index) => {
  const path = `/probe/${index}`;
  return { sign: { path }, make: (admin) => admin.apply(probeDenial(path)) };
};

const revocation: ChangeOf = (index) => {
  const spiffeId = `spiffe://cluster.local/ns/probes/sa/revoked-${index}`;
  return { sign: { spiffeId }, make: (admin) => admin.revoke(spiffeId) };
};

async function rounds(
  mesh: Mesh,
  { first, count, change }: { readonly first: number; readonly count: number; readonly change: ChangeOf },
): Promise<Round[]> {
  const done: Round[] = [];
  for (let index = first; index < first + count; index += 1) {
    done.push(await round(mesh, change(index)));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return done;
}

async function round({ fleets, admin }: Mesh, { sign, make }: Change): Promise<Round> {
  for (const fleet of fleets) {
    const { early } = await fleet.ask({ kind: 'arm', ...sign });
    if (early !== 0)
      throw new Error(`${String(early)} data planes enforce ${JSON.stringify(sign)} before they are told to`);
  }
  const enforced = Promise.all(fleets.map((fleet) => fleet.ask({ kind: 'enforced' })));
  // When the change itself fails, that is what is reported, not that nobody saw it.
  enforced.catch(() => undefined);
  const called = monotonic();
  await make(admin);
  const answered = monotonic();
  const seenAt = (await enforced).flatMap((answer) => answer['seenAt'] as number[]);
  if (seenAt.length !== DATA_PLANES) throw new Error(`${seenAt.length} data planes answered, not ${DATA_PLANES}`);
  return {
    applyMs: answered - called,
    afterAnswer: seenAt.map((at) => Math.max(0, at - answered)),
    afterCall: seenAt.map((at) => at - called),
  };
}

/** The same clock in every process of the machine (CLOCK_MONOTONIC). */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1_000_000;
}

/** What the control plane has used so far. */
interface Costs {
  readonly cpu: number;
  readonly bytes: number;
  readonly memory: number;
}

async function costs({ control }: Mesh): Promise<Costs> {
  const { bytesSent } = await control.ask({});
  return { cpu: cpuMicros(control.pid) / 1000, bytes: Number(bytesSent), memory: residentMegabytes(control.pid) };
}

function report(done: readonly Round[], revoked: readonly Round[], perChange: Costs): Record<string, unknown> {
  const each = done.flatMap((round) => round.afterAnswer);
  const everywhere = done.map((round) => Math.max(...round.afterAnswer));
  const fromCall = done.map((round) => Math.max(...round.afterCall));
  const p99 = percentile(everywhere, 99);
  const subject = {
    name: 'rampart',
    data_planes: DATA_PLANES,
    changes: done.length,
    p50_ms: rounded(percentile(everywhere, 50), 2),
    p99_ms: rounded(p99, 2),
    max_ms: rounded(Math.max(...everywhere), 2),
    single_data_plane_p50_ms: rounded(percentile(each, 50), 2),
    single_data_plane_p99_ms: rounded(percentile(each, 99), 2),
    from_call_p50_ms: rounded(percentile(fromCall, 50), 2),
    from_call_p99_ms: rounded(percentile(fromCall, 99), 2),
    apply_p50_ms: rounded(median(done.map((round) => round.applyMs)), 2),
    control_plane_cpu_ms_per_change: rounded(perChange.cpu, 1),
    bytes_sent_per_change: rounded(perChange.bytes, 0),
    bytes_sent_per_data_plane: rounded(perChange.bytes / DATA_PLANES, 0),
    control_plane_rss_mb: rounded(perChange.memory, 0),
  };
  const revocations = revocationFigures(revoked);
  return {
    subjects: [subject, revocations],
    ratios: {
      p99_vs_target: rounded(p99 / TARGET_MS, 3),
      revocation_p99_vs_target: rounded(revocations.p99_ms / REVOCATION_TARGET_MS, 3),
    },
    target: {
      p99_ms: TARGET_MS,
      revocation_p99_ms: REVOCATION_TARGET_MS,
      reached: p99 <= TARGET_MS && revocations.p99_ms <= REVOCATION_TARGET_MS,
    },
  };
}

/** From the answer of `revoke` to the last data plane that refuses the identity. */
function revocationFigures(done: readonly Round[]): Record<string, unknown> & { readonly p99_ms: number } {
  const everywhere = done.map((round) => Math.max(...round.afterAnswer));
  const fromCall = done.map((round) => Math.max(...round.afterCall));
  return {
    name: 'rampart-revocation',
    data_planes: DATA_PLANES,
    changes: done.length,
    p50_ms: rounded(percentile(everywhere, 50), 2),
    p99_ms: rounded(percentile(everywhere, 99), 2),
    max_ms: rounded(Math.max(...everywhere), 2),
    from_call_p50_ms: rounded(percentile(fromCall, 50), 2),
    from_call_p99_ms: rounded(percentile(fromCall, 99), 2),
    revoke_p50_ms: rounded(median(done.map((round) => round.applyMs)), 2),
  };
}
