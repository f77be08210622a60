import { generateKeyPairSync, sign } from 'node:crypto';
import { ENFORCED_IN_PROCESS, parseResource, resourceKey } from '@rampart/core';
import { Authenticated, Authenticator, MeshView } from '@rampart/mesh';

/** Claims of a token between services, as a seed prints them. */
export interface ServiceClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  /** Unix seconds. */
  readonly exp: number;
  readonly scope: string;
}

const NAMESPACE = 'default';
/** The same for every issuer, so that it is the signature that tells them apart. */
const KEY_ID = 'key-1';
const ROOT_NAMESPACE = 'istio-system';

/** The service that the claims are for, behind the authenticate step of a data plane, at a time of its own. */
export class TokenService {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #authenticator: Authenticator;

  /** `scopes`: what every request needs; `now`: Unix seconds. */
  constructor(claims: ServiceClaims, { scopes, now }: { readonly scopes: readonly string[]; readonly now: number }) {
    const view = new MeshView({ rootNamespace: ROOT_NAMESPACE, capabilities: ENFORCED_IN_PROCESS });
    view.setWorkload({ namespace: NAMESPACE, serviceAccount: 'orders-api', labels: {} }, 'cluster.local');
    const keys = [{ ...this.#keys.publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: KEY_ID }];
    const parsed = parseResource({
      apiVersion: 'rampart.dev/v1',
      kind: 'ServiceTokenPolicy',
      metadata: { name: 'scopes', namespace: NAMESPACE },
      spec: { issuer: claims.iss, audience: claims.aud, jwks: JSON.stringify({ keys }), rules: [{ scopes }] },
    });
    if (!parsed.ok) throw new Error(parsed.problem.map(({ field, message }) => `${field}: ${message}`).join('; '));
    const { value: policy } = parsed;
    const nothing = { services: [], revokedSerials: [] };
    const problem = view.apply({ revision: 1, reset: true, resources: [[resourceKey(policy), policy]], ...nothing });
    if (problem !== '') throw new Error(problem);
    this.#authenticator = new Authenticator({
      view,
      fetch: async () => Promise.reject(new Error('keys are in the policy')),
      clock: { now: () => now * 1000, after: () => ({ cancel: silent }) },
      random: () => 0,
      log: { error: silent, warn: silent, info: silent, debug: silent },
    });
  }

  /** A token with these claims, signed by the issuer that the service knows. */
  token(claims: object): string {
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
    const signed = `${encode({ alg: 'ES256', kid: KEY_ID })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }

  /** "allowed", or status and text of the refusal: "401 Token expired". */
  async answer(token: string): Promise<string> {
    const { rules } = this.#authenticator;
    if (rules === undefined) throw new Error('the workload has no rules for tokens');
    const authentication = await Authenticated.by(rules, {
      method: 'GET',
      target: '/orders',
      host: 'orders-api',
      values: (name) => (name === 'authorization' ? [`Bearer ${token}`] : []),
    });
    return authentication.denied ? `${authentication.status} ${authentication.body}` : 'allowed';
  }
}

function silent(): void {
  // Nobody listens.
}
