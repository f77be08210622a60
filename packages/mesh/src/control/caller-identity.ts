import { createHmac, hash } from 'node:crypto';

/** What an AWS SDK signs with. Secret. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
}

/** Where a request is for, and what it is bound to. */
export interface CallerIdentityRequest {
  /** "https://sts.eu-central-1.amazonaws.com/". */
  readonly endpoint: URL;
  readonly region: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** Value of the header x-rampart-server-id. */
  readonly serverId: string;
}

/** A signed request, for somebody else to send. */
export interface SignedCallerIdentity {
  readonly method: string;
  readonly url: string;
  readonly headers: { [name: string]: string };
  readonly body: Uint8Array;
}

const BODY = 'Action=GetCallerIdentity&Version=2011-06-15';
const ALGORITHM = 'AWS4-HMAC-SHA256';

/** Signs GetCallerIdentity (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). */
export function signCallerIdentity(
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  { endpoint, region, at, serverId }: CallerIdentityRequest,
): SignedCallerIdentity {
  const stamp = new Date(at).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const scope = [stamp.slice(0, 8), region, 'sts', 'aws4_request'];
  const headers: { [name: string]: string } = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: endpoint.host,
    'x-amz-date': stamp,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    'x-rampart-server-id': serverId,
  };
  const names = Object.keys(headers);
  const lines = names.map((name) => `${name}:${headers[name] ?? ''}`);
  const canonical = ['POST', '/', '', ...lines, '', names.join(';'), hash('sha256', BODY, 'hex')].join('\n');
  const text = [ALGORITHM, stamp, scope.join('/'), hash('sha256', canonical, 'hex')].join('\n');
  const key = scope.reduce<Uint8Array>(
    (derived, part) => createHmac('sha256', derived).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const credential = `${accessKeyId}/${scope.join('/')}`;
  const authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { method: 'POST', url: endpoint.href, headers: { ...headers, authorization }, body: Buffer.from(BODY) };
}
