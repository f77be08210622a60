export { contentDigest, isContentOf } from './content-digest.ts';
export {
  askForSignature,
  DISCOVERY_TAG,
  signatureAskedFor,
  signDiscovery,
  verifyDiscovery,
  type DiscoverySigner,
  type DiscoveryTrust,
} from './with-svid/discovery.ts';
export { fieldsOf, type Fields, type HttpRequest, type HttpResponse } from './message.ts';
export {
  REQUEST_TAG,
  signerOfChain,
  signRequest,
  verifyRequest,
  type RequestSigner,
  type RequestSigning,
  type RequestTrust,
  type SignedRequest,
  type TrustedSigner,
} from './with-svid/request.ts';
export { SIGNING_CHAIN_FIELD } from './with-svid/signing-chain.ts';
export type { HttpSignatureProblem, HttpSignatureProblemCode } from './problem.ts';
