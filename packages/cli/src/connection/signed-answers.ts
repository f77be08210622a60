import { randomUUID } from 'node:crypto';
import type { UniversalClientFn, UniversalClientRequest } from '@connectrpc/connect/protocol';
import { RampartError, SpiffeId } from '@rampart/core';
import { checkAuthorityProfile, fromPem, parseCertificate } from '@rampart/spiffe';
import { askForSignature, contentDigest, type Fields, fieldsOf, verifyDiscovery } from '@rampart/spiffe/http-signature';
import type { ClientSettings } from './client-settings.ts';

/** The control plane's identity where nobody says otherwise. */
const USUAL_REGISTRY = 'ns/istio-system/sa/rampart-server';

/** What answers about services are held against, and when. */
export interface AnswerTrust {
  readonly settings: Pick<ClientSettings, 'address' | 'registry'>;
  /** The CA of the registry's mesh, PEM; whom TLS trusts does not count here. */
  readonly roots: string;
  now(): number;
}

/**
 * Asks the registry to sign each answer, for this question alone, and believes none that it did not sign: not even what stands
 * between both and ends TLS can change where a service is.
 */
export function believingSigned(send: UniversalClientFn, trust: AnswerTrust): UniversalClientFn {
  const roots = fromPem(trust.roots);
  return async (request) => {
    if (!isUnary(request)) return send(request);
    const question = await bytesOf(request.body);
    const nonce = randomUUID();
    const header = new Headers(request.header);
    header.set('content-digest', contentDigest(question));
    header.set('accept-signature', askForSignature(nonce));
    const response = await send({ ...request, header, body: only(question) });
    // A refusal says nothing about where services are; whoever forges one can as well cut the line.
    if (response.status !== 200) return response;
    const content = await bytesOf(response.body);
    const registry = registryOf(trust, roots);
    const verified = verifyDiscovery(
      { status: response.status, fields: fieldsOf(response.header), request: asAsked(request, header) },
      content,
      { trustDomain: registry.trustDomain, roots, isRegistry: (id) => id.equals(registry), nonce, now: trust.now() },
    );
    if (!verified.ok) throw notBelieved(trust, `${verified.problem.code}: ${verified.problem.message}`);
    return { ...response, body: only(content) };
  };
}

/** A stream has no end to sign; it is its own connection's. */
function isUnary({ header }: UniversalClientRequest): boolean {
  return /^application\/(?:json|proto)\b/.test(header.get('content-type') ?? '');
}

function asAsked(
  { method, url }: UniversalClientRequest,
  header: Headers,
): { method: string; url: string; fields: Fields } {
  return { method, url, fields: fieldsOf(header) };
}

/** The identity that `rampart up` wrote beside the CA, or the usual one in the trust domain of the CA. */
function registryOf(trust: AnswerTrust, roots: readonly Uint8Array[]): SpiffeId {
  if (trust.settings.registry !== undefined) return SpiffeId.of(trust.settings.registry);
  for (const root of roots) {
    const parsed = parseCertificate(root);
    const profile = parsed.ok ? checkAuthorityProfile(parsed.value) : undefined;
    if (profile?.ok === true && profile.value !== undefined)
      return SpiffeId.of(`spiffe://${profile.value.name}/${USUAL_REGISTRY}`);
  }
  throw notBelieved(
    trust,
    'the CA does not name its trust domain, and there is no client.json that names the registry (--data)',
  );
}

function notBelieved({ settings }: AnswerTrust, why: string): RampartError {
  return new RampartError(
    'UPSTREAM_IDENTITY_MISMATCH',
    `the answer of ${settings.address} is not believed: ${why}; something between here and the registry may have changed it`,
  );
}

async function bytesOf(body: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
