/* oxlint-disable no-restricted-properties -- a benchmark is where time is measured */
/**
 * What one access-log record costs on the request path, and on the wire.
 * Run: node packages/wire/src/record-block/append.bench.ts
 *
 * Every request brings what a Node HTTP server would bring: a fresh path, authority, user agent and request id (never the
 * same string object twice), and the mesh's own values (principals, service, policy), which are the same objects each time.
 */
import { randomUUID } from 'node:crypto';
import { readRecordBlock, RecordBlockWriter, type RecordInput } from '../record-block.ts';

const RECORDS = 4096;
/** Few enough that a request's strings are still in the processor's cache when it is recorded, as on the request path. */
const REQUESTS_AT_ONCE = 64;
const ROUNDS = 300;
const WARM_UP = 50;

const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'node',
  'undici',
  'curl/8.11.0',
];
const PATHS = Array.from({ length: 20 }, (_, i) => `/api/orders/${1000 + i * 37}?expand=items&page=${i}`);

interface FromClient {
  readonly path: string;
  readonly authority: string;
  readonly userAgent: string;
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
}

/** How requests are named: by clients, or by the mesh, after their trace. */
type Naming = 'uuid' | 'trace';

/** A new string object with this content, as a parser makes it. */
function fresh(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function hexDigits(count: number): string {
  return fresh(randomUUID().replaceAll('-', '').slice(0, count));
}

function requests(naming: Naming): FromClient[] {
  return Array.from({ length: REQUESTS_AT_ONCE }, (_, i) => {
    const traceId = hexDigits(32);
    return {
      path: fresh(PATHS[(i * 7) % PATHS.length] ?? '/'),
      authority: fresh('orders-api.default.svc.cluster.local:8080'),
      userAgent: fresh(AGENTS[(i * 3) % AGENTS.length] ?? ''),
      requestId: fresh(naming === 'trace' ? traceId : randomUUID()),
      traceId,
      spanId: hexDigits(16),
    };
  });
}

function template(): RecordInput {
  return {
    startedAt: 1_795_000_000_000,
    durationMicros: 0,
    responseCode: 200,
    bytesReceived: 0,
    bytesSent: 0,
    policyRevision: 42,
    sourcePrincipal: 'spiffe://cluster.local/ns/web/sa/frontend',
    destinationService: 'orders-api.default.svc',
    method: 'GET',
    path: '',
    responseFlags: '-',
    authority: '',
    upstreamHost: '127.0.0.1:41234',
    forwardedFor: '',
    userAgent: '',
    decision: 'ALLOW',
    policy: 'default/orders-api-allow',
    sourceWorkload: 'orders-api-7f3a',
    destinationPrincipal: 'spiffe://cluster.local/ns/default/sa/orders-api',
    protocol: 'HTTP/1.1',
    tlsVersion: 'TLSv1.3',
    reporter: 'destination',
    jwtPrincipal: '',
    reason: 'allowed by default/orders-api-allow rule 0',
    auditPolicies: '',
    dryRunDecision: '',
    dryRunPolicies: '',
    requestId: '',
    traceId: '',
    spanId: '',
    parentSpanId: '',
  };
}

function appendAll(writer: RecordBlockWriter, record: RecordInput, clients: readonly FromClient[]): void {
  let i = 0;
  for (const client of clients) {
    record.startedAt += 0.03;
    record.durationMicros = 180 + ((i * 7919) % 3000);
    record.responseCode = i % 50 === 0 ? 404 : 200;
    record.bytesSent = 400 + ((i * 31) % 900);
    record.path = client.path;
    record.authority = client.authority;
    record.userAgent = client.userAgent;
    record.requestId = client.requestId;
    record.traceId = client.traceId;
    record.spanId = client.spanId;
    writer.append(record);
    i++;
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const record = template();

/** Nanoseconds that appending one block's records takes. */
function fillBlock(writer: RecordBlockWriter, naming: Naming): number {
  let spent = 0;
  for (let done = 0; done < RECORDS; done += REQUESTS_AT_ONCE) {
    const clients = requests(naming);
    const start = performance.now();
    appendAll(writer, record, clients);
    spent += performance.now() - start;
  }
  return spent * 1e6;
}

function measure(naming: Naming): string {
  const writer = new RecordBlockWriter();
  const append: number[] = [];
  const finish: number[] = [];
  let bytes = new Uint8Array();
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const appendNanos = fillBlock(writer, naming);
    const start = performance.now();
    bytes = writer.finish();
    const finishNanos = (performance.now() - start) * 1e6;
    if (round < WARM_UP) continue;
    append.push(appendNanos / RECORDS);
    finish.push(finishNanos / RECORDS);
  }
  const start = performance.now();
  const read = readRecordBlock(bytes).length;
  const readNanos = ((performance.now() - start) * 1e6) / read;
  return (
    `named by ${naming}: append ${median(append).toFixed(0)} ns, finish ${median(finish).toFixed(0)} ns, ` +
    `read (cold) ${readNanos.toFixed(0)} ns a record; ${(bytes.length / RECORDS).toFixed(1)} bytes a record on the wire\n`
  );
}

process.stdout.write(`blocks of ${RECORDS}, median of ${ROUNDS}\n`);
for (const naming of ['uuid', 'trace'] as const) process.stdout.write(measure(naming));
