import { renderRefusalLine, renderRequestLine } from 'rampart';
import type { AccessLogRecord } from '@rampart/core';
import { once } from 'node:events';
import { attack } from '../intruder/attack.ts';
import type { MeshEvent } from '../mesh/records.ts';
import { addSecondInstances } from '../mesh/second-instances.ts';
import { startShop } from '../mesh/shop.ts';
import type { Shop } from '../mesh/shop.ts';
import type { ShopOptions } from '../options.ts';
import { Poisoner } from '../poisoner/poison.ts';
import { describeExit } from '../process/child.ts';
import type { Child } from '../process/child.ts';
import { letIn, sightsOf } from '../traffic/users.ts';
import type { World } from '../world.ts';
import { Board } from './board.ts';
import { commandFor, dataOf, fromHere, introduce } from './introduction.ts';
import { renderPoisoning } from './poisoning.ts';
import { renderTally, Tally } from './tally.ts';

const FIRST_ATTACK_MS = 4000;
const ATTACK_EVERY_MS = 30_000;
const FIRST_POISON_MS = 6000;
const POISON_EVERY_MS = 60_000;
const TALLY_EVERY_MS = 250;
const PLAIN_TALLY_EVERY_MS = 10_000;

/** Runs the shop and shows what happens in it, until `stopped`. */
export async function runLive(
  world: World,
  options: ShopOptions & { readonly dataDirectory: string; readonly warm: Promise<void> },
  stopped: AbortSignal,
): Promise<void> {
  const board = new Board(world.out);
  const { promise: firstAnswer, resolve } = Promise.withResolvers<number>();
  const settings = {
    dataDirectory: options.dataDirectory,
    ports: options.ports,
    warm: options.warm,
    users: { rate: options.rate, visits: 0, onRequest: () => resolve(world.uptime()) },
    onDeath: (child: Child) => void announceDeath(board, child),
  };
  const shop = await startShop(world, settings);
  const timers: NodeJS.Timeout[] = [];
  try {
    board.line(introduce(shop, world));
    void firstAnswer.then((at) => board.line(`First request answered ${(at / 1000).toFixed(1)} s after the start.`));
    letIn(shop.users, sightsOf(shop.services));
    void extend(shop, board, stopped);
    timers.push(...show(shop, world, board), ...schedule(shop, world, board));
    if (!stopped.aborted) await once(stopped, 'abort');
    board.status('stopping…');
  } finally {
    for (const timer of timers) clearInterval(timer);
    await shop.stop();
    board.close();
  }
  world.out.write('Stopped: no process of the shop is left.\n');
}

function show(shop: Shop, world: World, board: Board): NodeJS.Timeout[] {
  const tally = new Tally();
  const color = world.out.isTerminal && (world.environment['NO_COLOR'] ?? '') === '';
  shop.records.onEvent((event) => {
    tally.add(event);
    const style = { color, width: world.out.isTerminal ? world.out.columns() : undefined };
    if (isWorthALine(event)) {
      board.line(
        event.kind === 'request' ? renderRequestLine(event.record, style) : renderRefusalLine(event.refusal, style),
      );
    }
  });
  if (world.out.isTerminal) return [setInterval(() => board.status(renderTally(tally)), TALLY_EVERY_MS)];
  return [setInterval(() => board.line(renderTally(tally)), PLAIN_TALLY_EVERY_MS)];
}

// Both ends report a call; the callee's report is the one that decided. A call that reached nobody has only the caller's.
function isWorthALine(event: MeshEvent): boolean {
  return event.kind === 'refusal' || event.record.reporter === 'destination' || reachedNobody(event.record);
}

function reachedNobody(record: AccessLogRecord): boolean {
  return record.response_flags.split(',').some((flag) => flag === 'UH' || flag === 'UF');
}

function schedule(shop: Shop, world: World, board: Board): NodeJS.Timeout[] {
  const run = (): void => {
    board.line(
      'The intruder tries: plaintext, no certificate, two forged certificates, a valid identity, a forged header.',
    );
    void attack(shop).catch((error: unknown) => {
      board.line(`The intruder could not be started: ${error instanceof Error ? error.message : String(error)}`);
    });
  };
  const poisoner = new Poisoner(shop);
  const poison = (): void => {
    board.line(
      'The poisoner wants to be found as payment-service: stolen tokens, a foreign network, a changed answer.',
    );
    showPoisoning(poisoner, { shop, world, board }).catch((error: unknown) => {
      board.line(`The poisoner could not be started: ${error instanceof Error ? error.message : String(error)}`);
    });
  };
  return [
    ...[setTimeout(run, FIRST_ATTACK_MS), setInterval(run, ATTACK_EVERY_MS)],
    ...[setTimeout(poison, FIRST_POISON_MS), setInterval(poison, POISON_EVERY_MS)],
  ];
}

async function showPoisoning(
  poisoner: Poisoner,
  { shop, world, board }: { readonly shop: Shop; readonly world: World; readonly board: Board },
): Promise<void> {
  const report = await poisoner.poison();
  const [rampart, data] = [commandFor(shop, world), dataOf(shop, world)];
  const way = { rampart, data, pathOf: (path: string) => fromHere(path, world) };
  for (const line of renderPoisoning(report, way)) board.line(line);
}

/** Users shop meanwhile. */
async function extend(shop: Shop, board: Board, stopped: AbortSignal): Promise<void> {
  try {
    await addSecondInstances(shop);
    board.line(
      'Three instances more: notifications-api has a slow one and one that fails, orders-api a new version; rules of traffic see to them.',
    );
  } catch (error) {
    if (stopped.aborted) return;
    board.line(`The second instances did not come: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function announceDeath(board: Board, child: Child): Promise<void> {
  const exit = await child.exited;
  const words = child.lastWords.map((line) => `\n    ${line}`).join('');
  board.line(`${child.name} (pid ${child.pid ?? '?'}) ended: ${describeExit(exit)}${words}`);
}
