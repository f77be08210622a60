import type { Cursor, FieldReaders } from '../cursor.ts';
import { formatDuration, readDuration } from '../duration.ts';
import { readAddedHeaders, readCheckedBody, readHeaderPatterns, readWritableHeaders } from './check-request.ts';
import type { CheckedBody } from './check-request.ts';
import { readPathPrefix, readServiceHost, readStatus } from './provider-address.ts';

/** An external authorizer that CUSTOM policies name (Istio `meshConfig.extensionProviders`). */
export interface ExtAuthzProvider {
  readonly name: string;
  readonly transport: 'http' | 'grpc';
  /** Host name, or "namespace/host" as Istio writes it. */
  readonly service: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Whether requests pass when the authorizer cannot be asked. */
  readonly failOpen: boolean;
  /** HTTP status of the answer when the authorizer cannot be asked. */
  readonly statusOnError: number;
  /** Put before the path of what is asked; http only, as are all header lists. */
  readonly pathPrefix?: string;
  /** Names, also `prefix*` and `*suffix`. */
  readonly includeRequestHeadersInCheck?: readonly string[];
  readonly includeAdditionalHeadersInCheck?: Readonly<Record<string, string>>;
  readonly includeRequestBodyInCheck?: CheckedBody;
  readonly headersToUpstreamOnAllow?: readonly string[];
  readonly headersToDownstreamOnDeny?: readonly string[];
  readonly headersToDownstreamOnAllow?: readonly string[];
}

type Settings = Omit<ExtAuthzProvider, 'name' | 'transport' | 'timeoutMs'> & {
  readonly timeout: number;
  /** The older name of includeRequestHeadersInCheck. */
  readonly includeHeadersInCheck: readonly string[];
  readonly clearRouteCache: boolean;
};

type GrpcSettings = Pick<
  Settings,
  'service' | 'port' | 'timeout' | 'failOpen' | 'statusOnError' | 'includeRequestBodyInCheck' | 'clearRouteCache'
>;

interface ProviderFields {
  readonly name: string;
  readonly envoyExtAuthzHttp: Partial<Settings>;
  readonly envoyExtAuthzGrpc: Partial<Settings>;
}

const PROVIDER_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
const MAX_PORT = 65_535;
/** Istio's own default. */
const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_STATUS = 403;
const HTTP = 'envoyExtAuthzHttp';
const GRPC = 'envoyExtAuthzGrpc';

/** The name of a provider, here and where a policy asks for it. */
export function readProviderName(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined || PROVIDER_NAME.test(name)) return name;
  return at.error('must be lower-case letters, digits, "-" and ".", at most 63 characters');
}

export function readProviders(at: Cursor): ExtAuthzProvider[] | undefined {
  const providers = at.list(readProvider, 'a list of providers');
  if (providers === undefined) return undefined;
  const seen = new Set<unknown>();
  for (const item of at.items() ?? []) {
    const name = item.child('name');
    if (name.value !== undefined && seen.has(name.value)) name.error('is the name of an earlier provider, too');
    seen.add(name.value);
  }
  return providers;
}

export function writeProvider(provider: ExtAuthzProvider): object {
  const { name, transport, timeoutMs, statusOnError, ...rest } = provider;
  const settings = { ...rest, timeout: formatDuration(timeoutMs), statusOnError: String(statusOnError) };
  return { name, [transport === 'http' ? HTTP : GRPC]: settings };
}

function readProvider(at: Cursor): ExtAuthzProvider | undefined {
  const fields = at.fields<ProviderFields>({
    name: readProviderName,
    [HTTP]: (http) => http.fields<Settings>({ ...COMMON, ...HTTP_ONLY }),
    [GRPC]: (grpc) => grpc.fields<GrpcSettings>(COMMON),
  });
  if (fields === undefined) return undefined;
  if (at.child('name').value === undefined) at.error('needs a name, by which policies ask for it');
  const [isHttp, isGrpc] = [HTTP, GRPC].map((form) => at.child(form).value !== undefined);
  if (isHttp === isGrpc) return at.error(`needs one of ${HTTP} and ${GRPC}: other providers are not known here`);
  const transport = isHttp === true ? 'http' : 'grpc';
  const settings = isHttp === true ? fields[HTTP] : fields[GRPC];
  if (settings === undefined) return undefined;
  return assemble(at.child(isHttp === true ? HTTP : GRPC), { name: fields.name, transport, settings });
}

interface ProviderParts {
  readonly name: string | undefined;
  readonly transport: ExtAuthzProvider['transport'];
  readonly settings: Partial<Settings>;
}

function assemble(at: Cursor, { name, transport, settings }: ProviderParts): ExtAuthzProvider | undefined {
  const { timeout = DEFAULT_TIMEOUT_MS, includeHeadersInCheck, clearRouteCache, service, port, ...rest } = settings;
  for (const required of ['service', 'port'] as const) {
    if (at.child(required).value === undefined) at.error(`needs a ${required}`);
  }
  if (clearRouteCache === true) at.child('clearRouteCache').warning('has no effect: no route depends on headers here');
  if (includeHeadersInCheck !== undefined && rest.includeRequestHeadersInCheck !== undefined) {
    at.child('includeHeadersInCheck').misplaced('is the older name of includeRequestHeadersInCheck: keep that one');
  }
  if (name === undefined || service === undefined || port === undefined) return undefined;
  const { failOpen = false, statusOnError = DEFAULT_STATUS, ...lists } = rest;
  const older = includeHeadersInCheck === undefined ? {} : { includeRequestHeadersInCheck: includeHeadersInCheck };
  return { name, transport, service, port, timeoutMs: timeout, failOpen, statusOnError, ...lists, ...older };
}

const COMMON: FieldReaders<GrpcSettings> = {
  service: readServiceHost,
  port: (port) => port.integer('a port number', { min: 1, max: MAX_PORT }),
  timeout: readDuration,
  failOpen: (flag) => flag.flag(),
  statusOnError: readStatus,
  includeRequestBodyInCheck: readCheckedBody,
  clearRouteCache: (flag) => flag.flag(),
};

const HTTP_ONLY: FieldReaders<Omit<Settings, keyof GrpcSettings>> = {
  pathPrefix: readPathPrefix,
  includeHeadersInCheck: readHeaderPatterns,
  includeRequestHeadersInCheck: readHeaderPatterns,
  includeAdditionalHeadersInCheck: readAddedHeaders,
  headersToUpstreamOnAllow: readWritableHeaders,
  headersToDownstreamOnDeny: readHeaderPatterns,
  headersToDownstreamOnAllow: readHeaderPatterns,
};
