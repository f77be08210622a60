import type { CheckKind, CheckRequest, CheckStatus } from '@rampart/registry';
import { nodeName } from '../../instances/node-name.ts';
import { parseGoDuration } from '../duration.ts';
import type { Fields } from './fields.ts';

/** Kinds of checks of Consul that are not part of this registry. */
const UNKNOWN_KINDS = [
  'UDP',
  'H2PING',
  'DockerContainerID',
  'OSService',
  'AliasNode',
  'AliasService',
  'Script',
  'Body',
] as const;
const STATUSES: ReadonlySet<string> = new Set<CheckStatus>(['passing', 'warning', 'critical']);
/** To an agent on the host of a service, this is the service's own host. */
const OWN_HOST = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|)$/i;
const HTTP_PORTS = { 'http:': 80, 'https:': 443 } as const;

/**
 * A check of a service as Consul writes it. Its address must be that of the service, or name this host from the view of an agent: the
 * control plane knocks on no other door.
 *
 * @throws RampartError INVALID_ARGUMENT.
 */
export function checkRequest(fields: Fields, host: string): CheckRequest {
  for (const name of UNKNOWN_KINDS) {
    if (fields.has(name)) throw fields.problem(name, 'is not part of this registry: use HTTP, TCP, GRPC, TTL or Args');
  }
  if (fields.flag('TLSSkipVerify')) throw fields.problem('TLSSkipVerify', 'is refused: checks verify who answers');
  const critical = fields.number('FailuresBeforeCritical') ?? 0;
  const warning = fields.number('FailuresBeforeWarning') ?? critical;
  const checkId = fields.filledText('CheckID') ?? fields.filledText('ID');
  const name = fields.filledText('Name');
  const intervalMs = duration(fields, 'Interval');
  const timeoutMs = duration(fields, 'Timeout');
  const initialStatus = statusOf(fields, 'Status');
  // One by one: spreads of what is hardly ever there take longer than the rest.
  const request: { -readonly [Field in keyof CheckRequest]: CheckRequest[Field] } = {
    kind: kindOf(fields, host),
    successBeforePassing: fields.number('SuccessBeforePassing') ?? 0,
    failuresBeforeWarning: Math.min(warning, critical),
    failuresBeforeCritical: critical,
  };
  if (checkId !== undefined) request.checkId = checkId;
  if (name !== undefined) request.name = name;
  if (intervalMs !== undefined) request.intervalMs = intervalMs;
  if (timeoutMs !== undefined) request.timeoutMs = timeoutMs;
  if (initialStatus !== undefined) request.initialStatus = initialStatus;
  return request;
}

/** Milliseconds; undefined where it is left out or empty. */
export function duration(fields: Fields, name: string): number | undefined {
  if (!fields.has(name)) return undefined;
  const milliseconds = parseGoDuration(fields.raw(name));
  if (milliseconds === undefined) throw fields.problem(name, 'must be a duration such as "10s"');
  return milliseconds;
}

/** Undefined where it is left out or empty. */
export function statusOf(fields: Fields, name: string): CheckStatus | undefined {
  const status = fields.filledText(name);
  if (status === undefined) return undefined;
  if (!isStatus(status)) throw fields.problem(name, 'must be "passing", "warning" or "critical"');
  return status;
}

function isStatus(text: string): text is CheckStatus {
  return STATUSES.has(text);
}

function kindOf(fields: Fields, host: string): CheckKind {
  const ttlMs = duration(fields, 'TTL');
  if (ttlMs !== undefined) return { type: 'ttl', ttlMs };
  const args = fields.texts('Args') ?? fields.texts('ScriptArgs');
  const kinds: readonly (readonly [string, (address: string) => CheckKind])[] = [
    ['HTTP', (address) => httpKind(fields, address, host)],
    ['TCP', (address) => ({ type: 'tcp', ...placeOf(fields, { name: 'TCP', address, host }) })],
    ['GRPC', (address) => grpcKind(fields, address, host)],
  ];
  for (const [name, kind] of kinds) {
    const address = fields.filledText(name);
    if (address !== undefined) return requireInterval(fields, kind(address));
  }
  if (args !== undefined && args.length > 0) return requireInterval(fields, { type: 'script', args });
  throw fields.problem('HTTP', 'or TCP, GRPC, TTL or Args must be given: a check has to look at something');
}

function requireInterval(fields: Fields, kind: CheckKind): CheckKind {
  if (!fields.has('Interval')) throw fields.problem('Interval', 'must be given, such as "10s"');
  return kind;
}

function httpKind(fields: Fields, address: string, host: string): CheckKind {
  const url = URL.parse(address);
  if (
    url === null ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw fields.problem('HTTP', 'must be a URL such as "http://10.0.0.1:8080/health"');
  }
  requireOwnHost(fields, { name: 'HTTP', host, given: url.hostname });
  const method = fields.filledText('Method');
  const headers = Object.entries(fields.textsMap('Header') ?? {}).map(([name, values]) => [name, values.join(', ')]);
  return {
    type: 'http',
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    port: url.port === '' ? HTTP_PORTS[url.protocol] : Number(url.port),
    path: `${url.pathname}${url.search}`,
    ...(method === undefined ? {} : { method }),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) as Record<string, string> }),
  };
}

function grpcKind(fields: Fields, address: string, host: string): CheckKind {
  const slash = address.indexOf('/');
  const service = slash === -1 ? '' : address.slice(slash + 1);
  const place = placeOf(fields, { name: 'GRPC', address: slash === -1 ? address : address.slice(0, slash), host });
  return { type: 'grpc', tls: fields.flag('GRPCUseTLS'), ...place, ...(service === '' ? {} : { service }) };
}

interface Place {
  readonly name: string;
  readonly address: string;
  readonly host: string;
}

/** "host:port", "[::1]:port", ":port". */
function placeOf(fields: Fields, { name, address, host }: Place): { readonly port: number } {
  const [, given = '', port = ''] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  if (port === '') throw fields.problem(name, 'must be an address with a port, such as "10.0.0.1:8080"');
  requireOwnHost(fields, { name, host, given });
  return { port: Number(port) };
}

function requireOwnHost(
  fields: Fields,
  { name, host, given }: { readonly name: string; readonly host: string; readonly given: string },
): void {
  if (OWN_HOST.test(given) || nodeName(given.replaceAll(/[[\]]/g, '')) === nodeName(host)) return;
  throw fields.problem(name, `must be at the address of the service, ${host}: no other host is knocked on`);
}
