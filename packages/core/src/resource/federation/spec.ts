import { SpiffeId } from '../../identity/spiffe-id.ts';
import { TrustDomain } from '../../identity/trust-domain.ts';
import type { Cursor } from '../cursor.ts';

/** How the server of a bundle endpoint proves who it is (SPIFFE_Federation.md §5). */
export type BundleEndpointProfile =
  /** By a certificate of the public web. */
  | { readonly type: 'https_web' }
  /** By an X.509-SVID of this identity. */
  | { readonly type: 'https_spiffe'; readonly endpointSpiffeId: string };

/** A trust domain whose identities are known here too. One-way: it says nothing about what is known there. */
export interface FederatedTrustDomainSpec {
  readonly trustDomain: string;
  /** https, without user information. */
  readonly bundleEndpointUrl: string;
  readonly bundleEndpointProfile: BundleEndpointProfile;
  /** SPIFFE bundle document (JSON) for the first contact; https_spiffe cannot begin without one. */
  readonly trustDomainBundle?: string;
}

interface ProfileFields {
  readonly type: BundleEndpointProfile['type'];
  readonly endpointSpiffeId: string;
}

const MAX_URL = 2048;
const MAX_BUNDLE = 1024 * 1024;

export function readFederatedTrustDomainSpec(at: Cursor): FederatedTrustDomainSpec | undefined {
  const fields = at.fields<FederatedTrustDomainSpec>({
    trustDomain: (name) => name.checked(trustDomainProblem),
    bundleEndpointUrl: (url) => url.checked(bundleUrlProblem),
    bundleEndpointProfile: readProfile,
    trustDomainBundle: readBundleText,
  });
  if (fields === undefined) return undefined;
  for (const required of ['trustDomain', 'bundleEndpointUrl', 'bundleEndpointProfile'] as const) {
    if (at.child(required).value === undefined) at.error(`needs ${required}`);
  }
  const { trustDomain, bundleEndpointUrl, bundleEndpointProfile, ...rest } = fields;
  if (trustDomain === undefined || bundleEndpointUrl === undefined || bundleEndpointProfile === undefined) {
    return undefined;
  }
  const spec = { ...rest, trustDomain, bundleEndpointUrl, bundleEndpointProfile };
  const hasBundle = at.child('trustDomainBundle').value !== undefined;
  return !hasBundle && needsFirstBundle(spec) ? at.error(firstContact(trustDomain)) : spec;
}

/** Without a first bundle nobody could tell who answers, unless the endpoint is of a domain whose bundle comes from elsewhere. */
function needsFirstBundle({ trustDomain, bundleEndpointProfile }: FederatedTrustDomainSpec): boolean {
  if (bundleEndpointProfile.type !== 'https_spiffe') return false;
  return SpiffeId.of(bundleEndpointProfile.endpointSpiffeId).trustDomain.name === trustDomain;
}

function firstContact(trustDomain: string): string {
  return `needs trustDomainBundle: without a first bundle of ${trustDomain} nobody can tell whether its endpoint answers`;
}

function readProfile(at: Cursor): BundleEndpointProfile | undefined {
  const fields = at.fields<ProfileFields>({
    type: (type) => type.word(['https_web', 'https_spiffe']),
    endpointSpiffeId: (id) => id.checked(endpointProblem),
  });
  if (fields === undefined) return undefined;
  const { type, endpointSpiffeId } = fields;
  const id = at.child('endpointSpiffeId');
  if (type === 'https_web') {
    return id.value === undefined
      ? { type }
      : id.misplaced('belongs to https_spiffe: https_web knows the endpoint by its host');
  }
  if (at.child('type').value === undefined) return at.error('needs type: https_web or https_spiffe');
  if (id.value === undefined && type !== undefined)
    return at.error('needs endpointSpiffeId: the identity that must answer');
  return type === undefined || endpointSpiffeId === undefined ? undefined : { type, endpointSpiffeId };
}

function readBundleText(at: Cursor): string | undefined {
  const text = at.lines('a SPIFFE bundle document as JSON text');
  if (text === undefined) return undefined;
  if (text.length > MAX_BUNDLE) return at.error(`must be at most ${MAX_BUNDLE} characters long`);
  const keys = keysOf(text);
  return keys === undefined ? at.error('must be a SPIFFE bundle document: JSON with a list "keys"') : text;
}

function keysOf(text: string): readonly unknown[] | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const keys: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, 'keys') : undefined;
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function trustDomainProblem(name: string): string | undefined {
  const parsed = TrustDomain.parse(name);
  return parsed.ok ? undefined : parsed.problem;
}

function endpointProblem(text: string): string | undefined {
  const id = SpiffeId.parse(text);
  if (!id.ok) return id.problem;
  return id.value.path === '' ? 'names a trust domain, not the identity of a server' : undefined;
}

/** What the URL of a bundle endpoint, and of whatever it redirects to, must not be (SPIFFE_Federation.md §5.1); undefined when it is right. */
export function bundleUrlProblem(text: string): string | undefined {
  if (text.length > MAX_URL) return `must be at most ${MAX_URL} characters long`;
  const url = /^https:\/\/([^/?#\\]+)(?:[/?][!-~]*)?$/.exec(text);
  if (url === null) return 'must be an https URL, such as https://example.org:8443/bundle';
  const authority = url[1] ?? '';
  if (authority.includes('@')) return 'must not hold user information';
  if (text.includes('#')) return 'must not hold a fragment';
  return /^(?:\[[\da-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(authority)
    ? undefined
    : 'must name a host, and a port if any';
}
