import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface SigningKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

/** An OpenID provider as far as services need one: discovery, a key set, and tokens. It can go away, and take its time. */
export class TokenIssuer {
  readonly #server: Server;
  #keys: SigningKey[] = [newKey(1)];
  readonly #name: string;
  #port = 0;
  #gate: Promise<void> = Promise.resolve();
  #release = (): void => {};
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];

  private constructor(name: string) {
    this.#name = name;
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '');
      void this.#gate.then(() => {
        const document = this.#documents().get(request.url ?? '');
        response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(document ?? {}));
      });
    });
  }

  /** `name`: what it calls itself, where that is not its address. */
  static async start(name = ''): Promise<TokenIssuer> {
    const issuer = new TokenIssuer(name);
    await issuer.comeBack();
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get jwksUri(): string {
    return `${this.url}/.well-known/jwks.json`;
  }

  get jwks(): string {
    return JSON.stringify({ keys: this.#keys.map(({ jwk }) => jwk) });
  }

  /** A token signed with the newest key, good for five minutes unless the claims say otherwise. */
  token(claims: object = {}, header: object = {}): string {
    const key = this.#keys.at(-1) ?? newKey(0);
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: this.#name === '' ? this.url : this.#name,
      sub: 'alice',
      iat: now,
      exp: now + 300,
      ...claims,
    };
    const signed = [{ alg: 'ES256', typ: 'JWT', kid: key.keyId, ...header }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** From now on tokens are signed with another key; the one before stays in the key set. */
  rotate(): void {
    this.#keys = [...this.#keys.slice(-1), newKey(this.#keys.length + 1)];
  }

  /** Answers wait until `release`. */
  hold(): void {
    this.#gate = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
    this.#gate = Promise.resolve();
  }

  async goAway(): Promise<void> {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** On the port it had before. */
  async comeBack(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #documents(): ReadonlyMap<string, object> {
    return new Map([
      ['/.well-known/openid-configuration', { issuer: this.url, jwks_uri: this.jwksUri }],
      ['/.well-known/jwks.json', { keys: this.#keys.map(({ jwk }) => jwk) }],
    ]);
  }
}

function newKey(number: number): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = `key-${number}-${publicKey.export({ format: 'der', type: 'spki' }).subarray(-4).toString('hex')}`;
  return { keyId, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256', use: 'sig' } };
}
