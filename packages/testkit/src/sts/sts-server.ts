import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpsServer } from '../https-server.ts';
import type { TestHttpsServer } from '../https-server.ts';
import { signatureV4 } from './signature-v4.ts';

/** Somebody whom this STS knows. */
export interface AwsCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
  /** What STS says of it: "arn:aws:sts::123456789012:assumed-role/web/i-0abc". */
  readonly arn: string;
}

/** How it behaves from now on; `lying` answers with an ARN and an account that do not agree. */
export type StsMood = 'well' | 'away' | 'lying' | 'redirecting' | 'endless';

/** A request for GetCallerIdentity, as an AWS SDK would send it. */
export interface SignedCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

export interface SigningOptions {
  /** Unix milliseconds. */
  readonly now: number;
  readonly url: string;
  /** Signed, too, unless listed in `unsigned`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly unsigned?: readonly string[];
  readonly body?: string;
}

interface State {
  mood: StsMood;
  readonly asked: IncomingMessage['headers'][];
}

const QUESTION = 'Action=GetCallerIdentity&Version=2011-06-15';
const FORM = 'application/x-www-form-urlencoded; charset=utf-8';
const CREDENTIAL =
  /^AWS4-HMAC-SHA256 Credential=([\w/-]+)\/(\d{8})\/([a-z0-9-]+)\/sts\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
/** AWS refuses what was signed longer ago. */
const SKEW_MS = 15 * 60_000;

/** A small real AWS Security Token Service over HTTPS: GetCallerIdentity alone, every signature verified by its own means. */
export class StsServer {
  readonly #server: TestHttpsServer;
  readonly #state: State;

  private constructor(server: TestHttpsServer, state: State) {
    this.#server = server;
    this.#state = state;
  }

  /** @param now Tells Unix milliseconds; its own certificate is valid at the first of them. */
  static async start(now: () => number, known: readonly AwsCredentials[]): Promise<StsServer> {
    const state: State = { mood: 'well', asked: [] };
    const server = await startHttpsServer(now(), (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        state.asked.push(request.headers);
        const body = Buffer.concat(chunks).toString('latin1');
        answer(response, state.mood, verify({ request, body, origin: server.url }, known, now()));
      });
    });
    return new StsServer(server, state);
  }

  /** "https://127.0.0.1:<port>/". */
  get url(): string {
    return `${this.#server.url}/`;
  }

  get ca(): string {
    return this.#server.ca;
  }

  /** Headers of every request that arrived. */
  get asked(): readonly IncomingMessage['headers'][] {
    return this.#state.asked;
  }

  set mood(mood: StsMood) {
    this.#state.mood = mood;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** What an SDK with these credentials sends. */
export function signCallerIdentity(credentials: AwsCredentials, options: SigningOptions): SignedCall {
  const { now, url, headers: extra = {}, unsigned = [], body = QUESTION } = options;
  const stamp = new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const { sessionToken, accessKey, secretKey } = credentials;
  const headers: Record<string, string> = {
    host: new URL(url).host,
    'content-type': FORM,
    'x-amz-date': stamp,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    ...extra,
  };
  const signed = Object.keys(headers)
    .filter((name) => !unsigned.includes(name))
    .sort();
  const date = stamp.slice(0, 8);
  const scope = { secretKey, date, region: 'us-east-1', service: 'sts' };
  const signature = signatureV4({ method: 'POST', url, headers, body }, signed, scope);
  const credential = `${accessKey}/${date}/us-east-1/sts/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
  return { method: 'POST', url, headers: { ...headers, authorization }, body: new TextEncoder().encode(body) };
}

interface Received {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly origin: string;
}

function verify(
  { request, body, origin }: Received,
  known: readonly AwsCredentials[],
  now: number,
): AwsCredentials | undefined {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const match = CREDENTIAL.exec(headers['authorization'] ?? '');
  const [, accessKey, date = '', region = '', signedHeaders = '', signature = ''] = match ?? [];
  const caller = known.find((one) => one.accessKey === accessKey);
  const signedAt = Date.parse((headers['x-amz-date'] ?? '').replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  if (caller === undefined || !(Math.abs(now - signedAt) <= SKEW_MS)) return undefined;
  if (caller.sessionToken !== headers['x-amz-security-token']) return undefined;
  const signable = { method: request.method ?? '', url: `${origin}${request.url ?? ''}`, headers, body };
  const scope = { secretKey: caller.secretKey, date, region, service: 'sts' };
  const expected = signatureV4(signable, signedHeaders.split(';'), scope);
  return body === QUESTION && timingSafeEqual(Buffer.from(expected), Buffer.from(signature)) ? caller : undefined;
}

function answer(response: ServerResponse, mood: StsMood, caller: AwsCredentials | undefined): void {
  if (mood === 'away') return void response.writeHead(503).end();
  if (mood === 'redirecting') return void response.writeHead(307, { location: 'https://127.0.0.1:1/' }).end();
  if (mood === 'endless') return void response.end('x'.repeat(1024 * 1024));
  if (caller === undefined) return void response.writeHead(403).end('<Code>SignatureDoesNotMatch</Code>');
  const account = mood === 'lying' ? '999999999999' : (caller.arn.split(':')[4] ?? '');
  response.end(
    `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
      `<Arn>${caller.arn}</Arn><UserId>AROAEXAMPLE:session</UserId><Account>${account}</Account>` +
      `</GetCallerIdentityResult></GetCallerIdentityResponse>`,
  );
}
