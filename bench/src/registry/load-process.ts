// A process that makes load: `node load-process.ts`, one order at a time.
import { createCaller, PER_SERVICE } from './callers.ts';
import type { Caller, Reach } from './callers.ts';

export type Order =
  | { readonly kind: 'connect'; readonly reach: Reach; readonly callers: number }
  | {
      readonly kind: 'register' | 'discover';
      readonly milliseconds: number;
      readonly first: number;
      readonly services: number;
    }
  | { readonly kind: 'fill'; readonly count: number }
  | { readonly kind: 'watch'; readonly watchers: number; readonly service: number }
  | { readonly kind: 'change'; readonly instance: number; readonly service: number };

const callers: Caller[] = [];
let reach: Reach | undefined;
/** When each watcher heard of the change under way. */
let heard: number[] = [];
let heardAll: (() => void) | undefined;
let watchers = 0;
/** Streams that one connection carries. */
const PER_LINE = 100;

async function obey(order: Order): Promise<object> {
  switch (order.kind) {
    case 'connect':
      reach = order.reach;
      for (let index = 0; index < order.callers; index += 1) callers.push(createCaller(order.reach));
      await Promise.all(callers.map((caller) => caller.discover(0)));
      return {};
    case 'fill':
      await fill(order.count);
      return {};
    case 'register':
      return timed(order.milliseconds, (caller, turn) => caller.register(order.first + turn));
    case 'discover':
      return timed(order.milliseconds, (caller, turn) => caller.discover((turn * 7919) % order.services));
    case 'watch':
      return watch(order.watchers, order.service);
    case 'change':
      return change(order.instance, order.service);
  }
}

async function fill(count: number): Promise<void> {
  let next = 0;
  await Promise.all(
    callers.map(async (caller) => {
      for (let instance = next++; instance < count; instance = next++) await caller.register(instance);
    }),
  );
}

/** Closed loop: each caller asks again as soon as it has its answer. */
async function timed(milliseconds: number, work: (caller: Caller, turn: number) => Promise<unknown>): Promise<object> {
  const latencies: number[] = [];
  const begun = performance.now();
  const end = begun + milliseconds;
  let turn = 0;
  await Promise.all(
    callers.map(async (caller) => {
      for (let at = performance.now(); at < end;) {
        await work(caller, turn++);
        const now = performance.now();
        latencies.push(now - at);
        at = now;
      }
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  return { done: latencies.length, seconds, p50: at(0.5), p99: at(0.99) };
}

async function watch(count: number, service: number): Promise<object> {
  if (reach === undefined) throw new Error('not connected');
  for (let made = 0; made < count; made += PER_LINE) {
    const caller = createCaller(reach);
    callers.push(caller);
    for (let index = made; index < Math.min(count, made + PER_LINE); index += 1) caller.watch(service, hear);
    await caller.discover(service);
  }
  watchers = count;
  return {};
}

function hear(): void {
  heard.push(performance.now());
  if (heard.length === watchers) heardAll?.();
}

/** Milliseconds from before the change was asked for to each watcher that heard of it. */
async function change(instance: number, service: number): Promise<object> {
  heard = [];
  const all = new Promise<void>((resolve) => {
    heardAll = resolve;
  });
  const begun = performance.now();
  const registered = callers[0]?.register(instance, service).then(() => performance.now());
  await all;
  const answered = ((await registered) ?? begun) - begun;
  const delays = heard.map((at) => at - begun).sort((a, b) => a - b);
  return { p50: delays[delays.length >> 1], p99: delays[Math.floor((delays.length - 1) * 0.99)], answered };
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send?.({ ...answer, instances: PER_SERVICE }),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
