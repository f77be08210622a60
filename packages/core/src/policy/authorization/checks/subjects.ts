import type { RequestAttributes } from '../../attributes.ts';
import { claimTexts } from '../../match/claims.ts';
import type { Subject } from './check.ts';

export const PRINCIPAL: Subject = ofConnection('principal', ({ attributes }) => attributes.principal);
export const SOURCE_IP: Subject = ofConnection('source IP', ({ attributes }) => attributes.sourceIp);
export const DESTINATION_IP: Subject = ofConnection('destination IP', ({ attributes }) => attributes.destinationIp);
export const PORT: Subject = ofConnection('port', ({ attributes }) => String(attributes.destinationPort));
export const SNI: Subject = ofConnection('server name', ({ attributes }) => attributes.sni || undefined);
export const REMOTE_IP: Subject = {
  label: 'client IP',
  isPublic: true,
  isHttp: false,
  read: ({ attributes }, request) => request?.remoteIp ?? attributes.clientIp ?? attributes.sourceIp,
};
export const METHOD: Subject = ofRequest('method', (request) => request.method);
export const PATH: Subject = ofRequest('path', (request) => request.path);
export const HOST: Subject = ofRequest('host', (request) => request.host);
export const REQUEST_PRINCIPAL: Subject = {
  ...ofRequest('request principal', (request) => request.token?.principal),
  isOfToken: true,
};

export function headerSubject(name: string): Subject {
  return { ...ofRequest(`header ${name}`, (request) => headerOf(request, name)), isPublic: false };
}

export function claimSubject(path: readonly string[]): Subject {
  const read = ({ token }: RequestAttributes): string | undefined =>
    token === undefined ? undefined : claimTexts(token, path)[0];
  return { ...ofRequest(`claim ${path.join('.')}`, read), isPublic: false, isOfToken: true };
}

/** A header by its lower-case name, or one of the HTTP/2 pseudo headers that every request has under HTTP/1.1 too. */
export function headerOf(request: RequestAttributes, name: string): string | undefined {
  if (name === ':method') return request.method;
  if (name === ':authority') return request.host;
  // Envoy keeps Host as the authority; a question about a call says it there, too.
  return name === 'host' ? request.host || undefined : request.header(name);
}

function ofConnection(label: string, read: Subject['read']): Subject {
  return { label, isPublic: true, isHttp: false, read };
}

function ofRequest(label: string, read: (request: RequestAttributes) => string | undefined): Subject {
  return { label, isPublic: true, isHttp: true, read: (_, request) => request && read(request) };
}
