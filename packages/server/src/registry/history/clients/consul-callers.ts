import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { monotonicNow } from '../observations.ts';
import { FIXED, placeOf, SERVICES } from '../workload.ts';
import { anyOf, type Call, type Ports, portsOf } from './api-callers.ts';
import type { Reach, Recorder } from './recorder.ts';

const WRITERS = 3;
const READERS = 1;
const WAITERS = 3;
/** After those of the API. */
const FIRST_PORTS = 16;

/** Writers, readers and blocking queries at the door that speaks as Consul does. */
export function startConsulCallers(recorder: Recorder): readonly Promise<void>[] {
  return [
    ...Array.from({ length: WRITERS }, (_, index) => {
      const ports = portsOf(FIRST_PORTS + index);
      return forEach(recorder, `consul writer ${index}`, (consul, call) => write(consul, { ...call, ports }));
    }),
    ...Array.from({ length: READERS }, (_, index) =>
      forEach(recorder, `consul reader ${index}`, (consul, call) => read(consul, { ...call, first: index })),
    ),
    ...Array.from({ length: WAITERS }, (_, index) =>
      forEach(recorder, `consul waiter ${index}`, (consul, call) => wait(consul, { ...call, service: index })),
    ),
  ];
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly index: number;
}

/** One caller, over a connection of its own. */
class Consul {
  readonly #base: string;
  readonly #token: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #signal: AbortSignal;

  constructor({ plane }: Reach, signal: AbortSignal) {
    this.#base = plane.addresses.consul ?? '';
    this.#token = readFileSync(plane.adminTokenFile, 'utf8').trim();
    this.#signal = signal;
  }

  async call(method: 'GET' | 'PUT', path: string, body?: object): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { 'x-consul-token': this.#token, 'content-length': Buffer.byteLength(text ?? '') };
    const options = { method, agent: this.#agent, headers, signal: this.#signal };
    request(`${this.#base}${path}`, options, (response) => {
      const { statusCode: status = 0 } = response;
      const index = Number(response.headers['x-consul-index'] ?? 0);
      buffer(response).then((answer) => resolve({ status, index, text: answer.toString() }), reject);
    })
      .on('error', reject)
      .end(text);
    return promise;
  }

  async demand(method: 'GET' | 'PUT', path: string, body?: object): Promise<Answer> {
    const answer = await this.call(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function forEach(recorder: Recorder, by: string, work: (consul: Consul, call: Call) => Promise<void>): Promise<void> {
  return recorder.withEach(by, async (reach) => {
    const consul = new Consul(reach, recorder.over);
    try {
      await work(consul, { recorder, by, run: reach.run });
    } finally {
      consul.close();
    }
  });
}

async function write(consul: Consul, { recorder, ports, ...call }: Call & { ports: Ports }): Promise<void> {
  while (!recorder.over.aborted) {
    const subject = anyOf(FIXED);
    const { instanceId, host } = subject;
    if (randomInt(4) === 0) {
      await recorder.write({ ...call, instanceId, action: { kind: 'deregister', found: undefined } }, async () => {
        const { status, text } = await consul.call('PUT', `/v1/agent/service/deregister/${instanceId}`);
        if (status !== 200 && status !== 404) throw new Error(`${status} ${text}`);
        return { action: { kind: 'deregister', found: status === 200 } };
      });
    } else {
      const action = { kind: 'register', place: placeOf(subject, ports(subject)) } as const;
      const { service, port } = action.place;
      await recorder.write({ ...call, instanceId, action }, async () => {
        const body = { ID: instanceId, Name: service, Address: host, Port: port };
        await consul.demand('PUT', '/v1/agent/service/register', body);
        return { action };
      });
    }
  }
}

async function read(consul: Consul, { recorder, first, ...call }: Call & { first: number }): Promise<void> {
  for (let turn = first; !recorder.over.aborted; turn += 1) {
    const service = SERVICES[turn % SERVICES.length] ?? '';
    const from = monotonicNow();
    const { text, index } = await consul.demand('GET', `/v1/health/service/${service}`);
    recorder.look({ ...call, service, from, revision: index, places: placesIn(text) });
  }
}

/** Blocking queries, one after the other, each for what comes after the answer before. */
async function wait(consul: Consul, { recorder, service: index, ...call }: Call & { service: number }): Promise<void> {
  const service = SERVICES[index] ?? '';
  let since = 0;
  while (!recorder.over.aborted) {
    const from = monotonicNow();
    const answer = await consul.demand('GET', `/v1/health/service/${service}?index=${since}&wait=60s`);
    recorder.look({ ...call, service, from, since, revision: answer.index, places: placesIn(answer.text) });
    since = answer.index;
  }
}

function placesIn(text: string): readonly (readonly [string, number])[] {
  const entries = JSON.parse(text) as { readonly Service: { readonly ID: string; readonly Port: number } }[];
  return entries.map(({ Service: { ID, Port } }) => [ID, Port]);
}
