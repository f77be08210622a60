import { type RequestOptions, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import { bundleUrlProblem, fail, ok, type Result, SpiffeId } from '@rampart/core';
import { toPem, verifySvid } from '@rampart/spiffe';
import { addressProblem, outsideLookup } from '../outside/reachable.ts';
import type { Relationship } from './relationship.ts';

/** What a bundle endpoint is judged with. */
export interface EndpointTrust {
  /** DER roots of the endpoint's own trust domain, for https_spiffe; never those of another. */
  readonly roots: readonly Uint8Array[];
  /** PEM roots that count for https_web beside those of this machine. */
  readonly webRoots?: string;
  /** Unix milliseconds. */
  readonly now: number;
}

const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 5;
const TIMEOUT_MS = 10_000;
const LONGEST_CHAIN = 8;
/** Temporary ones only: a new address is never remembered (SPIFFE_Federation.md §5.1). */
const REDIRECTS: ReadonlySet<number> = new Set([302, 303, 307]);

/** OpenSSL's names for a chain that leads to no trusted root. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

type Answer =
  | { readonly kind: 'document'; readonly text: string }
  | { readonly kind: 'redirect'; readonly url: string };

/**
 * Gets a bundle document by either profile (SPIFFE_Federation.md §5.2): whoever answers, after each redirect too, must be who the
 * relationship names. The problem says what went wrong, for operators.
 */
export async function fetchBundleDocument(
  relationship: Relationship,
  trust: EndpointTrust,
): Promise<Result<string, string>> {
  let url = relationship.url;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const problem = bundleUrlProblem(url) ?? hostProblem(url);
    if (problem !== undefined) return fail(`${hops === 0 ? 'the URL' : 'the URL of a redirect'} ${problem}`);
    const answer = await get(url, relationship, trust);
    if (!answer.ok) return answer;
    if (answer.value.kind === 'document') return ok(answer.value.text);
    url = answer.value.url;
  }
  return fail(`more than ${MAX_REDIRECTS} redirects`);
}

function hostProblem(text: string): string | undefined {
  const url = URL.parse(text);
  const problem = url === null ? 'cannot be read' : addressProblem(url);
  return problem === undefined ? undefined : `cannot be followed: ${problem}`;
}

async function get(url: string, relationship: Relationship, trust: EndpointTrust): Promise<Result<Answer, string>> {
  try {
    return await exchange(url, tlsOptions(relationship, trust));
  } catch (error) {
    return fail(reasonOf(error, relationship));
  }
}

function reasonOf(error: unknown, { profile }: Relationship): string {
  if (!(error instanceof Error)) return 'the endpoint cannot be reached';
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNRESET' && error.message === 'aborted') return 'the answer ended before it was whole';
  if (profile.type !== 'https_web' || !UNKNOWN_AUTHORITY.has(code)) return error.message;
  return `the certificate is of no authority that this machine trusts (${code}): add that one with NODE_EXTRA_CA_CERTS; an endpoint that shows an SVID has the profile https_spiffe`;
}

function exchange(url: string, tls: RequestOptions): Promise<Result<Answer, string>> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ...tls, headers: { accept: 'application/json' } }, (response) => {
      readAnswer(response, url)
        .then(resolve, reject)
        .finally(() => call.destroy());
    });
    const timer = setTimeout(() => call.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    timer.unref();
    call.on('error', reject);
    call.on('close', () => clearTimeout(timer));
    call.end();
  });
}

async function readAnswer(response: IncomingMessage, url: string): Promise<Result<Answer, string>> {
  const { statusCode: status = 0, headers } = response;
  if (REDIRECTS.has(status)) {
    const target = headers.location === undefined ? null : URL.parse(headers.location, url);
    return target === null
      ? fail(`answered ${status} without a place to go to`)
      : ok({ kind: 'redirect', url: target.href });
  }
  if (status !== 200) return fail(`answered ${status}`);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) return fail(`the bundle is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return ok({ kind: 'document', text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)) });
  } catch {
    return fail('the bundle is not UTF-8');
  }
}

/** No agent: each connection proves anew who is there. */
const ALONE: Pick<RequestOptions, 'agent' | 'lookup'> & { readonly minVersion: 'TLSv1.2' } = {
  agent: false,
  lookup: outsideLookup(),
  minVersion: 'TLSv1.2',
};

function tlsOptions({ profile }: Relationship, { roots, webRoots, now }: EndpointTrust): RequestOptions {
  if (profile.type === 'https_web') return { ...ALONE, ...(webRoots === undefined ? {} : { ca: webRoots }) };
  const expected = SpiffeId.of(profile.endpointSpiffeId);
  return {
    ...ALONE,
    ca: roots.map((der) => toPem(der)),
    // The path has been verified by then; what it is a path for, SPIFFE says (X509-SVID.md §5), not the host's name.
    checkServerIdentity: (_host, certificate) => {
      const chain = chainOf(certificate);
      const verified = verifySvid(chain, { roots, trustDomain: expected.trustDomain, at: now });
      if (!verified.ok)
        return new Error(`the endpoint has no SVID of ${expected.trustDomain.name}: ${verified.problem.message}`);
      const seen = verified.value.spiffeId;
      return seen.equals(expected)
        ? undefined
        : new Error(`the endpoint is ${seen.toString()}, not ${expected.toString()}`);
    },
  };
}

/** DER certificates that the endpoint sent, leaf first. */
function chainOf(leaf: PeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<object>();
  let certificate: Partial<DetailedPeerCertificate> = leaf;
  // A self-signed certificate is its own issuer.
  while (certificate.raw !== undefined && !seen.has(certificate) && chain.length < LONGEST_CHAIN) {
    seen.add(certificate);
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate ?? {};
  }
  return chain;
}
