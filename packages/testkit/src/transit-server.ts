import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TestCa } from './test-ca.ts';

/** How the service behaves from now on: `sealed` as a Vault before its unsealing, `silent` without any answer. */
export type TransitMood = 'well' | 'sealed' | 'silent' | 'forging' | 'no-json' | 'endless';

interface StoredKey {
  readonly type: string;
  readonly versions: KeyObject[];
}

interface Answer {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A small real key service over HTTPS with the API of Vault's transit engine: keys are made, described and signed with as Vault
 * does it, status codes and warnings included. Keys are in memory.
 */
export class TransitServer {
  readonly token: string = `hvs.${randomBytes(12).toString('hex')}`;
  readonly url: string;
  /** PEM of the root that its certificate comes from. */
  readonly ca: string;
  mood: TransitMood = 'well';
  /** Calls that were let in. */
  calls = 0;
  readonly #keys = new Map<string, StoredKey>();
  readonly #server: Server;

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.ca = ca;
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /** @param now Unix milliseconds at which its certificate is valid. */
  static async start(now: number): Promise<TransitServer> {
    const ca = await TestCa.create('key-service.test', now);
    const { certPem, keyPem } = await ca.issueServer(now, { ipAddresses: ['127.0.0.1'] });
    const server = createServer({ cert: certPem, key: keyPem });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TransitServer(server, ca.rootPem);
  }

  /** As `POST keys/:name/rotate`: signatures without a version are by the new one from now on. */
  rotate(name: string): void {
    const key = this.#keys.get(name);
    if (key === undefined) throw new Error(`no key ${name}`);
    key.versions.push(newKey(key.type));
  }

  /** As an operator that cleans up: the key is gone. */
  delete(name: string): void {
    this.#keys.delete(name);
  }

  /** As a restart would: idle connections end, the next ones are taken. */
  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (this.mood === 'silent') return;
    if (this.mood === 'no-json') return void response.end('<html>');
    if (this.mood === 'endless') return void response.end(Buffer.alloc(1024 * 1024, ' '));
    const { status, body } = this.#answer(request, Buffer.concat(chunks).toString('utf8'));
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  }

  #answer({ headers, method = '', url = '' }: IncomingMessage, text: string): Answer {
    if (this.mood === 'sealed') return { status: 503, body: { errors: ['Vault is sealed'] } };
    if (headers['x-vault-token'] !== this.token) return { status: 403, body: { errors: ['permission denied'] } };
    this.calls += 1;
    const [, kind, name = ''] = /^\/v1\/transit\/(keys|sign)\/([a-z0-9-]+)$/.exec(url) ?? [];
    const fields = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
    if (kind === 'keys' && method === 'POST') return this.#create(name, fields);
    if (kind === 'keys' && method === 'GET') return this.#describe(name);
    if (kind === 'sign' && method === 'POST') return this.#sign(name, fields);
    return { status: 404, body: { errors: ['no handler for route'] } };
  }

  #create(name: string, { type }: Readonly<Record<string, unknown>>): Answer {
    const existed = this.#keys.has(name);
    if (!existed) this.#keys.set(name, { type: String(type), versions: [newKey(String(type))] });
    const description = this.#describe(name).body ?? {};
    return { status: 200, body: existed ? { ...description, warnings: [`key ${name} already existed`] } : description };
  }

  #describe(name: string): Answer {
    const key = this.#keys.get(name);
    if (key === undefined) return { status: 404, body: { errors: [] } };
    const keys = Object.fromEntries(
      key.versions.map((each, index) => [String(index + 1), { name: key.type, public_key: publicText(each) }]),
    );
    return { status: 200, body: { data: { name, type: key.type, latest_version: key.versions.length, keys } } };
  }

  #sign(name: string, fields: Readonly<Record<string, unknown>>): Answer {
    const { input, key_version: asked, prehashed, signature_algorithm: scheme = 'pss' } = fields;
    const key = this.#keys.get(name);
    const version = typeof asked === 'number' ? asked : key?.versions.length;
    const privateKey = version === undefined ? undefined : key?.versions[version - 1];
    if (key === undefined || privateKey === undefined || prehashed !== false) {
      return { status: 400, body: { errors: ['signing key not found'] } };
    }
    const by = this.mood === 'forging' ? newKey(key.type) : privateKey;
    const data = Buffer.from(String(input), 'base64');
    const padding = scheme === 'pss' ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    const how = key.type.startsWith('rsa') ? { key: by, padding } : by;
    const signature = sign(key.type === 'ed25519' ? null : 'sha256', data, how).toString('base64');
    return { status: 200, body: { data: { signature: `vault:v${version}:${signature}`, key_version: version } } };
  }
}

function newKey(type: string): KeyObject {
  return createPrivateKey(newKeyPair(type).privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

function newKeyPair(type: string): { readonly privateKey: KeyObject } {
  if (type === 'ed25519') return generateKeyPairSync('ed25519');
  if (type === 'rsa-2048') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** PEM for elliptic curves and RSA, 32 bytes in base64 for Ed25519. */
function publicText(privateKey: KeyObject): string {
  const publicKey = createPublicKey(privateKey);
  if (privateKey.asymmetricKeyType !== 'ed25519') return publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
}
