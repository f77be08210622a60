import { createHmac, hash } from 'node:crypto';

/** A request as Signature Version 4 sees it. */
export interface SignableRequest {
  readonly method: string;
  /** Scheme, host, path and query. */
  readonly url: string;
  /** Lower-case names; `host` and `x-amz-date` among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SigningScope {
  readonly secretKey: string;
  /** "20150830". */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/**
 * Hex signature over the named headers, by the steps of
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
 */
export function signatureV4(request: SignableRequest, signedHeaders: readonly string[], scope: SigningScope): string {
  const canonical = hash('sha256', canonicalRequest(request, signedHeaders), 'hex');
  const credentialScope = `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'] ?? '', credentialScope, canonical].join('\n');
  const key = [scope.date, scope.region, scope.service, 'aws4_request'].reduce<Uint8Array>(
    (derived, part) => createHmac('sha256', derived).update(part).digest(),
    Buffer.from(`AWS4${scope.secretKey}`),
  );
  return createHmac('sha256', key).update(text).digest('hex');
}

function canonicalRequest({ method, url, headers, body }: SignableRequest, signedHeaders: readonly string[]): string {
  const { pathname, searchParams } = new URL(url);
  const query = [...searchParams].map((pair) => pair.map(encode).join('=')).toSorted();
  const lines = signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}`);
  return [method, pathname, query.join('&'), ...lines, '', signedHeaders.join(';'), hash('sha256', body, 'hex')].join(
    '\n',
  );
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
