import type { ConnectionAttributes, RequestAttributes, TokenFacts } from '@rampart/core';

/** A request and its connection, of whatever texts. */
export interface OracleCall {
  readonly connection: ConnectionAttributes;
  readonly request: RequestAttributes;
}

const LONGEST = 300;

/** Reads a call from any JSON: what is missing or no text has an ordinary value. */
export function callOf(json: unknown): OracleCall {
  const fields = fieldsOf(json);
  const text = (name: string, fallback: string): string => textOf(fields[name]) ?? fallback;
  const headers = fieldsOf(fields['headers']);
  const sourceIp = text('sourceIp', '10.0.0.1');
  return {
    connection: {
      principal: fields['principal'] === null ? undefined : text('principal', 'cluster.local/ns/web/sa/frontend'),
      sourceIp,
      destinationIp: text('destinationIp', '10.0.0.2'),
      destinationPort: typeof fields['port'] === 'number' ? fields['port'] : 8080,
      sni: text('sni', ''),
    },
    request: {
      method: text('method', 'GET'),
      path: text('path', '/'),
      host: text('host', 'orders-api'),
      token: tokenOf(fields['token']),
      remoteIp: text('remoteIp', sourceIp),
      header: (name) => (Object.hasOwn(headers, name) ? textOf(headers[name]) : undefined),
    },
  };
}

function tokenOf(json: unknown): TokenFacts | undefined {
  if (json === undefined || json === null) return undefined;
  const fields = fieldsOf(json);
  const [issuer, subject] = [textOf(fields['issuer']) ?? 'https://issuer', textOf(fields['subject']) ?? 'sub'];
  return {
    principal: `${issuer}/${subject}`,
    issuer,
    subject,
    claims: { ...fieldsOf(fields['claims']), iss: issuer, sub: subject },
    spaceDelimitedClaims: Array.isArray(fields['spaceDelimitedClaims'])
      ? fields['spaceDelimitedClaims'].filter((name) => typeof name === 'string')
      : [],
  };
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, LONGEST) : undefined;
}
