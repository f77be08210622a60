import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { disbelieve } from '../evidence.ts';
import type { AwsIamEvidence, EvidenceProblem } from '../evidence.ts';

/** What is sent on: nothing but this, whatever the newcomer asked for. */
export interface SignedRequest {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SignedRequestRules {
  /** The only place requests are sent to. */
  readonly endpoint: URL;
  /** What the header x-rampart-server-id must hold. */
  readonly serverId: string;
}

/** The header that binds a request to this server, this challenge and this key. */
const SERVER_ID_HEADER = 'x-rampart-server-id';

const MAX_BODY_BYTES = 1024;
const MAX_HEADERS = 32;
const MAX_HEADER_VALUE = 8192;
/** Every header a signed request has by the AWS SDKs; whatever else is sent is not passed on, or refused when it is signed. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'host',
  'user-agent',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  SERVER_ID_HEADER,
]);
const MUST_BE_SIGNED = ['host', 'x-amz-date', SERVER_ID_HEADER] as const;
/** Signature Version 4 as every SDK writes it. */
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[\w/+=.-]{1,256}, ?SignedHeaders=([a-z0-9-]+(?:;[a-z0-9-]+)*), ?Signature=[0-9a-f]{64}$/;
const VALUE = /^[\u0020-\u007e]*$/;
const FORM = 'application/x-www-form-urlencoded';
const QUESTION: Readonly<Record<string, string>> = { Action: 'GetCallerIdentity', Version: '2011-06-15' };

/**
 * Takes a signed request for GetCallerIdentity apart and keeps what may be sent on. Whatever is not that question, to that place,
 * bound by a signed header to this server and this certificate signing request, is refused unsent.
 */
export function readSignedRequest(
  { method, url, headers, body }: AwsIamEvidence,
  { endpoint, serverId }: SignedRequestRules,
): Result<SignedRequest, EvidenceProblem> {
  if (method !== 'POST') return disbelieve('aws-method', 'the request must be a POST');
  if (!isEndpoint(url, endpoint)) return disbelieve('aws-endpoint', `the request must be for ${endpoint.href}`);
  const given = readHeaders(headers);
  if (!given.ok) return given;
  const host = given.value.get('host');
  if (host !== undefined && host.toLowerCase() !== endpoint.host) {
    return disbelieve('aws-endpoint', `the header host must be ${endpoint.host}`);
  }
  const bodyProblem = questionProblem(body, given.value.get('content-type'));
  if (bodyProblem !== undefined) return disbelieve('aws-question', bodyProblem);
  const signed = AUTHORIZATION.exec(given.value.get('authorization') ?? '')?.[1]?.split(';');
  if (signed === undefined) return disbelieve('aws-signature-form', 'the request is not signed with AWS4-HMAC-SHA256');
  const unsigned = MUST_BE_SIGNED.find((name) => !signed.includes(name));
  if (unsigned !== undefined)
    return disbelieve('aws-unsigned-header', `the signature does not cover the header ${unsigned}`);
  const foreign = signed.find((name) => !PASSED_ON.has(name));
  if (foreign !== undefined)
    return disbelieve('aws-header', `the header ${foreign} is not passed on and must not be signed`);
  if (given.value.get(SERVER_ID_HEADER) !== serverId) {
    return disbelieve(
      'aws-binding',
      `the header ${SERVER_ID_HEADER} does not bind the request to this challenge and key`,
    );
  }
  const kept = [...given.value].filter(([name]) => PASSED_ON.has(name));
  return ok({ headers: { ...Object.fromEntries(kept), host: endpoint.host }, body });
}

function isEndpoint(text: string, endpoint: URL): boolean {
  // User information is part of href, so that a URL with it is another one.
  return URL.canParse(text) && new URL(text).href === endpoint.href;
}

function readHeaders(headers: AwsIamEvidence['headers']): Result<ReadonlyMap<string, string>, EvidenceProblem> {
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) return disbelieve('aws-header', `the request has more than ${MAX_HEADERS} headers`);
  const read = new Map<string, string>();
  for (const [name, value] of entries) {
    const key = name.toLowerCase();
    if (read.has(key)) return disbelieve('aws-header', 'a header stands there twice');
    if (value.length > MAX_HEADER_VALUE || !VALUE.test(value)) {
      return disbelieve('aws-header', 'a header has a value that no header has');
    }
    read.set(key, value);
  }
  return ok(read);
}

/** The body is compared as a form, because SDKs differ in the order of its fields. */
function questionProblem(body: Uint8Array, contentType: string | undefined): string | undefined {
  if (body.length > MAX_BODY_BYTES) return `the body has more than ${MAX_BODY_BYTES} bytes`;
  if (contentType?.split(';', 1)[0]?.trim().toLowerCase() !== FORM) return `the content type must be ${FORM}`;
  const fields = [...new URLSearchParams(Buffer.from(body).toString('latin1'))];
  const isQuestion =
    fields.length === Object.keys(QUESTION).length && fields.every(([name, value]) => QUESTION[name] === value);
  return isQuestion && new Set(fields.map(([name]) => name)).size === fields.length
    ? undefined
    : 'the body must ask GetCallerIdentity of version 2011-06-15, and nothing else';
}
