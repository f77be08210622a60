import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { startHttpsServer } from './https-server.ts';
import type { TestHttpsServer } from './https-server.ts';

interface SigningKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/**
 * A small real OpenID Connect issuer over HTTPS: discovery document, key set, and tokens of any form, so that a Kubernetes API
 * server, a cloud or a CI system can be stood in for; as strict as the first about what it is asked to answer with. Keys are P-256.
 */
export class OidcIssuer {
  readonly #server: TestHttpsServer;
  readonly #state: { asked: string[]; away: boolean; keys: SigningKey[]; named: string };

  private constructor(
    server: TestHttpsServer,
    state: { asked: string[]; away: boolean; keys: SigningKey[]; named: string },
  ) {
    this.#server = server;
    this.#state = state;
  }

  /** @param now Unix milliseconds at which its certificate is valid. */
  static async start(now: number): Promise<OidcIssuer> {
    const state = { asked: new Array<string>(), away: false, keys: [newKey('key-1')], named: '' };
    const server = await startHttpsServer(now, (request, response) => {
      state.asked.push(request.url ?? '');
      if (state.away) return response.writeHead(503).end();
      const { url } = server;
      if (request.url === '/.well-known/openid-configuration') {
        return response.end(
          JSON.stringify({ issuer: state.named === '' ? url : state.named, jwks_uri: `${url}/keys` }),
        );
      }
      if (request.url === '/keys' && !(request.headers.accept ?? '*/*').includes('application/jwk-set+json')) {
        return response.writeHead(406).end();
      }
      if (request.url === '/keys') return response.end(JSON.stringify({ keys: state.keys.map(jwkOf) }));
      if (request.url === '/moved') return response.writeHead(302, { location: `${url}/keys` }).end();
      return response.writeHead(404).end();
    });
    return new OidcIssuer(server, state);
  }

  get url(): string {
    return this.#server.url;
  }

  get ca(): string {
    return this.#server.ca;
  }

  /** Paths, in the order in which they were asked for. */
  get asked(): readonly string[] {
    return this.#state.asked;
  }

  get jwks(): string {
    return JSON.stringify({ keys: this.#state.keys.map(jwkOf) });
  }

  /** From now on it answers 503, or no longer does. */
  set away(away: boolean) {
    this.#state.away = away;
  }

  /** From now on its discovery document names another issuer. */
  set named(issuer: string) {
    this.#state.named = issuer;
  }

  /** The newest key signs; older ones stay in the set unless `forget`. */
  rotate({ forget = false }: { readonly forget?: boolean } = {}): void {
    const { keys } = this.#state;
    const next = newKey(`key-${keys.length + 1}-${forget}`);
    this.#state.keys = forget ? [next] : [...keys, next];
  }

  /** A token with these claims, valid for ten minutes from `now` (Unix milliseconds) unless they say otherwise. */
  token(now: number, claims: object, header: object = {}): string {
    const key = this.#state.keys.at(-1);
    if (key === undefined) throw new Error('no key');
    const seconds = Math.floor(now / 1000);
    const payload = { iss: this.url, aud: 'rampart', iat: seconds, exp: seconds + 600, ...claims };
    const signed = [{ alg: 'ES256', kid: key.keyId, typ: 'JWT', ...header }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

function newKey(keyId: string): SigningKey {
  return { keyId, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

function jwkOf({ keyId, publicKey }: SigningKey): object {
  return { ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256', use: 'sig' };
}
