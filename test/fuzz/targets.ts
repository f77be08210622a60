import type { FuzzTarget } from './engine/target.ts';
import { address } from './targets/address.ts';
import { authorizerAnswer } from './targets/authorizer-answer.ts';
import { bundle } from './targets/bundle.ts';
import { certificate } from './targets/certificate.ts';
import { crl } from './targets/crl.ts';
import { decision } from './targets/decision.ts';
import { documents } from './targets/documents.ts';
import { forwardedFor } from './targets/forwarded-for.ts';
import { identity } from './targets/identity.ts';
import { jwtSvid } from './targets/jwt-svid.ts';
import { keySet } from './targets/key-set.ts';
import { linkFrames } from './targets/link.ts';
import { path } from './targets/path.ts';
import { pathTemplate } from './targets/path-template.ts';
import { policyTests } from './targets/policy-tests.ts';
import { recordBlock } from './targets/record-block.ts';
import { request } from './targets/request.ts';
import { resourceJson } from './targets/resource-json.ts';
import { token } from './targets/token.ts';
import { tokenPlaces } from './targets/token-places.ts';
import { trace } from './targets/trace.ts';
import { connectRequest } from './targets/connect-request.ts';
import { dnsQuery } from './targets/dns-query.ts';
import { proxyHeader } from './targets/proxy-header.ts';
import { socks } from './targets/socks.ts';

/** Whatever reads input from outside. */
export const targets: readonly FuzzTarget[] = [
  documents,
  resourceJson,
  path,
  pathTemplate,
  address,
  identity,
  trace,
  forwardedFor,
  token,
  tokenPlaces,
  keySet,
  authorizerAnswer,
  policyTests,
  recordBlock,
  certificate,
  request,
  crl,
  bundle,
  jwtSvid,
  decision,
  socks,
  connectRequest,
  proxyHeader,
  dnsQuery,
  linkFrames,
];
