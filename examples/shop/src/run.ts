import { RampartError } from '@rampart/core';
import { runLive } from './live/live.ts';
import { readOptions, USAGE } from './options.ts';
import type { ShopOptions } from './options.ts';
import { expectation } from './scenario/expectation.ts';
import type { ScenarioReport } from './scenario/expectation.ts';
import { runScenario } from './scenario/scenario.ts';
import type { World } from './world.ts';

const EXIT = { done: 0, no: 1, misused: 2, unreachable: 3 };

/** Runs what the command line asks for; resolves to the exit code. */
export async function runShop(argv: readonly string[], world: World, stopped: AbortSignal): Promise<number> {
  const read = readOptions(argv);
  if (!read.ok) {
    world.err.write(`${read.problem}\n\n${USAGE}`);
    return EXIT.misused;
  }
  const options = read.value;
  if (options.help) {
    world.out.write(USAGE);
    return EXIT.done;
  }
  try {
    if (options.once) return await once(world, options, stopped);
    await runLive(world, { ...options, dataDirectory: options.dataDirectory ?? '.rampart' }, stopped);
    return EXIT.done;
  } catch (error) {
    const reason = reasonOf(error);
    world.err.write(`${reason}\n`);
    if (options.output === 'json') world.out.write(`${JSON.stringify(failed(reason, world))}\n`);
    return EXIT.unreachable;
  }
}

async function once(world: World, options: ShopOptions, stopped: AbortSignal): Promise<number> {
  const report = await runScenario(world, { ...options, stopped }, (line) => world.err.write(`${line}\n`));
  world.out.write(options.output === 'json' ? `${JSON.stringify(report)}\n` : renderReport(report));
  return report.ok ? EXIT.done : EXIT.no;
}

function renderReport(report: ScenarioReport): string {
  const lines = report.expectations.map(({ name, expected, observed, ok }) =>
    ok ? `ok      ${name}` : `NOT OK  ${name}\n          expected  ${expected}\n          observed  ${observed}`,
  );
  const { requests, denied, plaintext_rejected: rejected, mtls, ready_ms: ready } = report;
  const counts = `${requests} requests, ${denied} denied, ${rejected} plaintext connections refused, ${mtls} over mTLS`;
  return `${lines.join('\n')}\n\n${counts}; ready in ${ready} ms\n`;
}

function failed(reason: string, world: World): ScenarioReport {
  const expectations = [expectation('the shop opens and the scenario runs to its end', 'done', reason)];
  const none = { requests: 0, denied: 0, plaintext_rejected: 0, mtls: 0 };
  return { expectations, ...none, ready_ms: Math.round(world.uptime()), ok: false };
}

function reasonOf(error: unknown): string {
  if (error instanceof RampartError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
