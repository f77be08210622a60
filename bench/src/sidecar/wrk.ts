import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Script for wrk; absent for GET. */
  readonly script?: string;
  /** Of the service; orders-api unless given. */
  readonly host?: string;
}

export interface Outcome {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const SCALE: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 };

/** One run of wrk with one thread. @throws Error when a request failed. */
export async function wrk({ port, connections, seconds, script, host = 'orders-api' }: Load): Promise<Outcome> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', `Host: ${host}`];
  if (script !== undefined) args.push('-s', script);
  const { stdout } = await run('wrk', [...args, `http://127.0.0.1:${port}/api/orders/1`]);
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(stdout);
  if (failed !== null) throw new Error(`wrk: ${failed[0]}`);
  return {
    requests: numberOf(/(\d+) requests in/, stdout),
    requestsPerSecond: numberOf(/Requests\/sec:\s+([\d.]+)/, stdout),
    p50Ms: latency('50', stdout),
    p99Ms: latency('99', stdout),
  };
}

function latency(percent: string, text: string): number {
  const [, value, unit = ''] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s)$`, 'm').exec(text) ?? [];
  return Number(value) * (SCALE[unit] ?? Number.NaN);
}

function numberOf(pattern: RegExp, text: string): number {
  return Number(pattern.exec(text)?.[1]);
}
