import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { RampartError } from '@rampart/core';
import { readPrivateFile, unreadableFile } from '../private-file.ts';

/** Where an external key service with the API of Vault's transit engine is, and how to prove who asks. */
export interface TransitOptions {
  /** `https://host:8200`; a path before `/v1` is allowed, nothing else is. */
  readonly url: string;
  /** Where the engine is mounted, "transit" unless given. */
  readonly mount?: string;
  /** Vault's namespace, for services that have them. */
  readonly namespace?: string;
  /** Holds the token, mode 0600; read again for each call, so that it may be replaced at any time. */
  readonly tokenFile: string;
  /** PEM: the only roots that the service's certificate may come from. */
  readonly ca: string;
  /** For a whole call, 10,000 ms unless given. */
  readonly timeoutMs?: number;
}

/** What the service answered with a status below 400, or 404. */
export interface TransitAnswer {
  readonly status: number;
  /** JSON object, `{}` where there was none. */
  readonly body: Readonly<Record<string, unknown>>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 256 * 1024;
/** More would only queue inside the service. */
const MAX_CONNECTIONS = 16;
const MOUNT = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** HTTPS to one key service: pinned roots, one deadline a call, bounded answers, errors that say what to do. */
export class TransitConnection {
  readonly #options: TransitOptions;
  readonly #base: URL;
  readonly #agent: Agent;

  /** @throws RampartError INVALID_ARGUMENT for a URL or mount that cannot be. */
  constructor(options: TransitOptions) {
    this.#options = options;
    this.#base = baseUrl(options);
    this.#agent = new Agent({ ca: options.ca, keepAlive: true, maxSockets: MAX_CONNECTIONS, minVersion: 'TLSv1.2' });
  }

  /** @throws RampartError UPSTREAM_UNREACHABLE; KEY_UNREADABLE when the service refuses. `what` is for the message: "sign with key root". */
  async call(what: string, { method, path, body }: TransitCall): Promise<TransitAnswer> {
    const token = await this.#token();
    const send = { method, path, token, text: body === undefined ? '' : JSON.stringify(body) };
    const { status, text } = await this.#send(send).catch((error: unknown) => {
      throw this.#unreachable(what, error);
    });
    if (status >= 500 || status === 429) throw this.#unreachable(what, new Error(`status ${status}`), status);
    if (status >= 400 && status !== 404) throw this.#refused(what, status, text);
    return { status, body: jsonObject(text) };
  }

  /** Lets idle connections go. */
  close(): void {
    this.#agent.destroy();
  }

  async #token(): Promise<string> {
    const { tokenFile } = this.#options;
    const bytes = await readPrivateFile(tokenFile);
    if (bytes === undefined) {
      throw unreadableFile(tokenFile, 'is missing; put the token of the key service there, mode 0600');
    }
    const token = new TextDecoder().decode(bytes).trim();
    if (!TOKEN.test(token)) throw unreadableFile(tokenFile, 'does not hold one token of printable ASCII');
    return token;
  }

  async #send(send: TransitRequest): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.timeout(this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const response = await this.#response(send, signal);
    return { status: response.statusCode ?? 0, text: await readText(response) };
  }

  async #response(send: TransitRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, path, token, text } = send;
    const { namespace } = this.#options;
    const headers = {
      'x-vault-token': token,
      'x-vault-request': 'true',
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const request = httpsRequest(new URL(path, this.#base), { method, headers, agent: this.#agent, signal });
    request.end(text);
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      // A failure from here on is one of the response, and told there.
      request.on('error', () => undefined);
      return response;
    } catch (error) {
      // The service closed an idle connection at the very moment of its next use; it has seen nothing of this call.
      if (request.reusedSocket && isConnectionReset(error)) return this.#response(send, signal);
      throw error;
    }
  }

  #unreachable(what: string, cause: unknown, status?: number): RampartError {
    const timeoutMs = this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    return new RampartError(
      'UPSTREAM_UNREACHABLE',
      `the key service at ${this.#base.origin} could not ${what}: ${reasonOf(cause, timeoutMs)}; ${remedyOf(status)}`,
      { cause },
    );
  }

  #refused(what: string, status: number, text: string): RampartError {
    const remedy =
      status === 403 || status === 401
        ? `the token in ${this.#options.tokenFile} is not valid or its policy does not allow it: renew it, or allow create, read and update on ${this.#mount}/keys/* and ${this.#mount}/sign/*`
        : `check that a transit engine is mounted at ${this.#mount} and that the key is as Rampart made it`;
    return new RampartError(
      'KEY_UNREADABLE',
      `the key service at ${this.#base.origin} refused to ${what} (status ${status}); ${remedy}`,
      { detail: text.slice(0, 500) },
    );
  }

  get #mount(): string {
    return mountOf(this.#options);
  }
}

/** One call, its path relative to the mount: "keys/root". */
export interface TransitCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

interface TransitRequest {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly text: string;
}

function mountOf({ mount = 'transit' }: TransitOptions): string {
  return mount;
}

function baseUrl(options: TransitOptions): URL {
  const url = URL.parse(options.url);
  if (url?.protocol !== 'https:' || url.username + url.password + url.search + url.hash !== '') {
    throw new RampartError(
      'INVALID_ARGUMENT',
      'the URL of a key service is https://host:port without user, query or fragment',
    );
  }
  const mount = mountOf(options);
  if (!MOUNT.test(mount)) {
    throw new RampartError('INVALID_ARGUMENT', `the mount ${JSON.stringify(mount)} of a key service is no path`);
  }
  return new URL(`${url.pathname.replace(/\/$/, '')}/v1/${mount}/`, url);
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isConnectionReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function reasonOf(cause: unknown, timeoutMs: number): string {
  if (!(cause instanceof Error)) return 'unexpected failure';
  return cause.name === 'AbortError' || cause.name === 'TimeoutError'
    ? `no answer within ${timeoutMs} ms`
    : cause.message;
}

function remedyOf(status: number | undefined): string {
  if (status === 503) return 'it is sealed or starting: unseal it';
  if (status !== undefined) return 'see its own log';
  return 'check its address, that it runs, and that its certificate comes from the pinned CA';
}
