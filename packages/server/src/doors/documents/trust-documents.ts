import { algorithmOf, bundleToJson, oidcKeysOf, type TrustBundle } from '@rampart/spiffe';
import type { OwnTrust } from '../../trust/own-trust.ts';
import type { DocumentShelf, PublicDocument } from './public-documents.ts';

const JSON_TYPE = 'application/json';
/**
 * Caches between this server and its readers keep a document for this long, not for as long as readers wait between two polls: a
 * revoked key is gone soon, and who meets the `kid` of its successor finds it.
 */
const KEPT_SECONDS = 60;
const NO_ISSUER =
  'there is no OpenID Connect issuer here: start with the URL under which relying parties reach this server, rampart up --jwt-issuer https://…';

/**
 * `/bundle`: the SPIFFE bundle (SPIFFE_Federation.md §5.1). `/keys` and `/.well-known/openid-configuration`: OpenID Connect
 * Discovery 1.0, for relying parties that take JWT-SVIDs as identity tokens.
 */
export function trustDocuments(trust: OwnTrust): DocumentShelf {
  // Strangers may ask as often as they like: a document is written once for each bundle.
  const written = new WeakMap<TrustBundle, { readonly bundle: string; readonly keys: string }>();
  const write = (bundle: TrustBundle): { readonly bundle: string; readonly keys: string } => {
    const known = written.get(bundle);
    const texts = known ?? { bundle: bundleToJson(bundle), keys: JSON.stringify(oidcKeysOf(bundle)) };
    written.set(bundle, texts);
    return texts;
  };
  // Readers append to the issuer, whatever its path is (OpenID Connect Discovery 1.0 §4).
  const prefix = trust.issuer === undefined ? '' : new URL(trust.issuer).pathname.replace(/\/$/, '');
  return (asked) => {
    const path = asked.startsWith(`${prefix}/`) ? asked.slice(prefix.length) : asked;
    const bundle = trust.bundle();
    const document = (body: string): PublicDocument => ({
      type: JSON_TYPE,
      body,
      maxAgeSeconds: KEPT_SECONDS,
    });
    switch (path) {
      case '/bundle':
        return document(write(bundle).bundle);
      case '/keys':
        return document(write(bundle).keys);
      case '/.well-known/openid-configuration':
        return trust.issuer === undefined ? NO_ISSUER : document(JSON.stringify(discovery(trust.issuer, bundle)));
      default:
        return undefined;
    }
  };
}

/** Members that the standard requires; there is no authorization endpoint to name, for nobody logs in here. */
function discovery(issuer: string, { jwtAuthorities }: TrustBundle): object {
  return {
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: '',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(jwtAuthorities.map(({ jwk }) => algorithmOf(jwk)))],
  };
}
