import { bundleToJson, oidcKeysOf } from '@rampart/spiffe';
import type { OwnTrust } from '../../trust/own-trust.ts';
import type { DocumentShelf, PublicDocument } from './public-documents.ts';

const JSON_TYPE = 'application/json';
const NO_ISSUER =
  'there is no OpenID Connect issuer here: start with the URL under which relying parties reach this server, rampart up --jwt-issuer https://…';

/**
 * `/bundle`: the SPIFFE bundle (SPIFFE_Federation.md §5.1). `/keys` and `/.well-known/openid-configuration`: OpenID Connect
 * Discovery 1.0, for relying parties that take JWT-SVIDs as identity tokens.
 */
export function trustDocuments(trust: OwnTrust): DocumentShelf {
  return (path) => {
    const bundle = trust.bundle();
    const document = (body: object | string): PublicDocument => ({
      type: JSON_TYPE,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      maxAgeSeconds: bundle.refreshHintSeconds ?? 0,
    });
    switch (path) {
      case '/bundle':
        return document(bundleToJson(bundle));
      case '/keys':
        return document(oidcKeysOf(bundle));
      case '/.well-known/openid-configuration':
        return trust.issuer === undefined ? NO_ISSUER : document(discovery(trust.issuer));
      default:
        return undefined;
    }
  };
}

/** Members that the standard requires; there is no authorization endpoint to name, for nobody logs in here. */
function discovery(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/keys`,
    authorization_endpoint: '',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}
