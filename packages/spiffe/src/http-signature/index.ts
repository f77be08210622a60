export { contentDigest, isContentOf } from './content-digest.ts';
export {
  askForSignature,
  DISCOVERY_TAG,
  signatureAskedFor,
  signDiscovery,
  verifyDiscovery,
  type DiscoverySigner,
  type DiscoveryTrust,
} from './discovery.ts';
export { fieldsOf, type Fields, type HttpRequest, type HttpResponse } from './message.ts';
export type { HttpSignatureProblem, HttpSignatureProblemCode } from './problem.ts';
