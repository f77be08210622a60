import type { RequestAttributes } from '../attributes.ts';
import type { Subject } from './check.ts';

export const PRINCIPAL: Subject = { label: 'principal', isPublic: true, read: (facts) => facts.attributes.principal };
export const SOURCE_IP: Subject = { label: 'source IP', isPublic: true, read: (facts) => facts.attributes.sourceIp };
export const DESTINATION_IP: Subject = {
  label: 'destination IP',
  isPublic: true,
  read: (facts) => facts.attributes.destinationIp,
};
export const PORT: Subject = {
  label: 'port',
  isPublic: true,
  read: (facts) => String(facts.attributes.destinationPort),
};
export const SNI: Subject = {
  label: 'server name',
  isPublic: true,
  read: (facts) => facts.attributes.sni || undefined,
};
export const METHOD: Subject = { label: 'method', isPublic: true, read: (_, request) => request?.method };
export const PATH: Subject = { label: 'path', isPublic: true, read: (_, request) => request?.path };
export const HOST: Subject = { label: 'host', isPublic: true, read: (_, request) => request?.host };

export function headerSubject(name: string): Subject {
  return { label: `header ${name}`, isPublic: false, read: (_, request) => request && headerOf(request, name) };
}

/** A header by its lower-case name; the two HTTP/2 pseudo headers that every request has under HTTP/1.1 too. */
export function headerOf(request: RequestAttributes, name: string): string | undefined {
  if (name === ':method') return request.method;
  return name === ':authority' ? request.host : request.header(name);
}
