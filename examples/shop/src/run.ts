import { RampartError } from '@rampart/core';
import { readOptions, USAGE } from './options.ts';
import { warmServices } from './process/warmth.ts';
import { expectation } from './scenario/expectation.ts';
import type { ScenarioReport } from './scenario/expectation.ts';
import type { ScenarioOptions } from './scenario/scenario.ts';
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
  // Where installing has not done it: on another core, while the control plane starts.
  const warm = world.compiledBefore ? Promise.resolve() : warmServices(world);
  try {
    if (options.once) return await once(world, { ...options, warm, stopped });
    // Loaded only now: the warmer has begun by then.
    const { runLive } = await import('./live/live.ts');
    await runLive(world, { ...options, warm, dataDirectory: options.dataDirectory ?? '.rampart' }, stopped);
    return EXIT.done;
  } catch (error) {
    const reason = reasonOf(error);
    world.err.write(`error: ${reason}\n`);
    if (options.output === 'json') world.out.write(`${JSON.stringify(failed(reason, world))}\n`);
    return EXIT.unreachable;
  }
}

async function once(world: World, options: ScenarioOptions): Promise<number> {
  const { runScenario } = await import('./scenario/scenario.ts');
  const report = await runScenario(world, options, (line) => world.err.write(`${line}\n`));
  world.out.write(options.output === 'json' ? `${JSON.stringify(report)}\n` : renderReport(report));
  return report.ok ? EXIT.done : EXIT.no;
}

function renderReport(report: ScenarioReport): string {
  const lines = report.expectations.map(({ name, expected, observed, ok }) =>
    ok ? `ok      ${name}` : `NOT OK  ${name}\n          expected  ${expected}\n          observed  ${observed}`,
  );
  const { requests, denied, plaintext_rejected: rejected, mtls, ready_ms: ready } = report;
  const counts = `${requests} requests, ${denied} denied, ${rejected} plaintext connections refused, ${mtls} over mTLS`;
  const leftOut = report.left_out.map((line) => `${line}\n`).join('');
  return `${lines.join('\n')}\n\n${leftOut}${counts}; ready in ${ready} ms\n`;
}

function failed(reason: string, world: World): ScenarioReport {
  const expectations = [expectation('the shop opens and the scenario runs to its end', 'done', reason)];
  const none = { requests: 0, denied: 0, plaintext_rejected: 0, mtls: 0, left_out: [] };
  return { expectations, ...none, ready_ms: Math.round(world.uptime()), ok: false };
}

function reasonOf(error: unknown): string {
  if (error instanceof RampartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
