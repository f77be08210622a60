import { isFraming } from '@rampart/core';
import type { ExtAuthzProvider } from '@rampart/core';

import { isHeaderName, isHeaderValue } from './header-names.ts';

const PROVIDER_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
const LARGEST_BODY = 16 * 1024 * 1024;
const LISTS = [
  'includeRequestHeadersInCheck',
  'headersToUpstreamOnAllow',
  'headersToDownstreamOnDeny',
  'headersToDownstreamOnAllow',
] as const;

/**
 * Why a provider cannot be asked; "" when it can. Checked again where it is used: it came over the wire, and a bad
 * provider denies (istio/istio `pilot/pkg/security/authz/builder/extauthz.go`).
 */
export function providerProblem(provider: ExtAuthzProvider): string {
  const { name, service, port, timeoutMs, statusOnError, pathPrefix } = provider;
  if (!PROVIDER_NAME.test(name)) return 'its name is no DNS name';
  if (service === '') return 'it names no service';
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `port ${port} is not in 1 to 65535`;
  if (!(timeoutMs > 0)) return `its timeout is ${timeoutMs} ms`;
  if (!Number.isInteger(statusOnError) || statusOnError < 200 || statusOnError > 599) {
    return `statusOnError ${statusOnError} is no status that a server can answer with`;
  }
  if (pathPrefix !== undefined && !/^(?:\/[!-~]*)?$/.test(pathPrefix)) {
    return `pathPrefix ${JSON.stringify(pathPrefix)} does not begin with "/", or is no path`;
  }
  return listProblem(provider) || bodyProblem(provider);
}

/** The host of a provider's service, which Istio writes as "host" or "namespace/host"; a bare name keeps its namespace. */
export function hostOf(service: string): string {
  const slash = service.indexOf('/');
  if (slash === -1) return service;
  const host = service.slice(slash + 1);
  return host.includes('.') ? host : `${host}.${service.slice(0, slash)}`;
}

function listProblem(provider: ExtAuthzProvider): string {
  for (const list of LISTS) {
    if (provider[list]?.some((pattern) => pattern === '*' || pattern === '') === true) {
      return `${list} has a pattern that matches every header`;
    }
  }
  for (const [name, value] of Object.entries(provider.includeAdditionalHeadersInCheck ?? {})) {
    if (!isHeaderName(name) || !isHeaderValue(value) || isFraming(name.toLowerCase())) {
      return `includeAdditionalHeadersInCheck has ${JSON.stringify(name)}, which cannot be sent as a header`;
    }
  }
  return '';
}

function bodyProblem({ includeRequestBodyInCheck }: ExtAuthzProvider): string {
  if (includeRequestBodyInCheck === undefined) return '';
  const { maxRequestBytes } = includeRequestBodyInCheck;
  if (Number.isInteger(maxRequestBytes) && maxRequestBytes >= 1 && maxRequestBytes <= LARGEST_BODY) return '';
  return `maxRequestBytes ${maxRequestBytes} is not in 1 to ${LARGEST_BODY}`;
}
