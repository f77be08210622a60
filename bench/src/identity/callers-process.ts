// The callers of the benchmark of attestation, in a process of their own: `node callers-process.ts DOOR_JSON REQUESTS`.
import { percentile } from '../harness/figures.ts';
import type { DoorFigures } from './door.ts';
import { Newcomers } from './newcomers.ts';
import type { Door } from './newcomers.ts';

const [door = '', count = ''] = process.argv.slice(2);
const requests = Number(count);
const newcomers = new Newcomers(JSON.parse(door) as Door);
await newcomers.atFullLoad(requests / 4);
const fullLoadPerSecond = await newcomers.atFullLoad(requests);
const timed = await newcomers.atRate(fullLoadPerSecond / 2, requests);
const latencies = timed.map(({ latency }) => latency);
const lateness = timed.map(({ late }) => late);
const figures: DoorFigures = {
  fullLoadPerSecond,
  halfLoadP50Ms: percentile(latencies, 50),
  halfLoadP99Ms: percentile(latencies, 99),
  callerLateP99Ms: percentile(lateness, 99),
};
process.on('disconnect', () => process.exit());
process.send?.(figures);
