import {
  compileTraffic,
  hostOfService,
  parseResource,
  parseServiceName,
  RampartError,
  type Resource,
  type RoutedRequest,
  serviceOfHost,
  type ServiceName,
  type ServiceRules,
  type TrafficRules,
} from '@rampart/core';
import type { Command } from 'commander';
import { collectHeader, collectLabel, type Pairs } from '../../arguments/pair.ts';
import { parseMethod, parsePath } from '../../arguments/request.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { callData, type Course, type DescribedCall, renderCall } from './call-view.ts';

interface CallOptions {
  readonly namespace: string;
  readonly label?: Pairs;
  readonly header?: Pairs;
  readonly method: string;
  readonly path: string;
}

const HTTP_PORT = 80;
const MAX_PORT = 65_535;

export function defineDescribeCall(describe: Command, shell: Shell): void {
  describe
    .command('call')
    .description('where a request that nobody sent would go, and which rules say so')
    .argument('<host>', 'orders-api, orders-api.shop:8080, api.example.com:443')
    .option('-n, --namespace <name>', 'namespace of the caller', 'default')
    .option('--label <name=value>', 'label of the caller, may be repeated', collectLabel)
    .option('--method <method>', 'HTTP method', parseMethod, 'GET')
    .option('--path <path>', 'path of the request', parsePath, '/')
    .option('--header <name=value>', 'request header, may be repeated', collectHeader)
    .addHelpText(
      'after',
      examples(
        [
          'rampart describe call orders-api --path /v2/orders --header x-canary=1',
          'by which route it goes, and to whom',
        ],
        ['rampart describe call api.payments.example:443 -n shop', 'whether that namespace may call it'],
      ),
    )
    .action((host: string, options: CallOptions, command: Command) =>
      shell.run(command, (invocation) => describeCall(placeOf(host), options, invocation)),
    );
}

interface Place {
  readonly host: string;
  readonly port: number;
}

async function describeCall(place: Place, options: CallOptions, { withAdmin, show }: Invocation): Promise<number> {
  const { resources, rootNamespace, portsOf } = await withAdmin(async (client) => {
    const [status, stored, { services }] = await Promise.all([
      client.getStatus({}),
      client.getResources({}),
      client.listServices({}),
    ]);
    const ports = new Map(
      services.map(({ name, namespace, endpoints }) => [`${namespace}/${name}`, endpoints.map(({ port }) => port)]),
    );
    return {
      rootNamespace: status.rootNamespace,
      resources: stored.resources.flatMap(({ json }): Resource[] => {
        const parsed = parseResource(JSON.parse(json));
        return parsed.ok ? [parsed.value] : [];
      }),
      portsOf: ({ name, namespace }: ServiceName) => ports.get(`${namespace}/${name}`),
    };
  });
  const { namespace, label = {} } = options;
  const rules = compileTraffic({ workload: { namespace, labels: label }, resources, rootNamespace });
  const call = callOf(place, { options, rules, portsOf });
  show({ data: () => callData(call), table: () => renderCall(call) });
  return call.kind === 'refused' ? EXIT.no : EXIT.ok;
}

interface Surroundings {
  readonly options: CallOptions;
  readonly rules: TrafficRules;
  /** Ports that instances of a service serve; undefined for one that is not there. */
  portsOf(service: ServiceName): readonly number[] | undefined;
}

function callOf({ host, port }: Place, surroundings: Surroundings): DescribedCall {
  const { options, portsOf } = surroundings;
  const { method, path, namespace } = options;
  const service = parseServiceName(host, namespace);
  const isService =
    service !== undefined && (!host.includes('.') || host.includes('.svc') || portsOf(service) !== undefined);
  const request: RoutedRequest = { method, url: path, authority: host, headers: options.header ?? {} };
  const asked: Asked = { request, port, surroundings };
  const course = isService ? toService(service, asked) : toOutside(host, asked);
  return { asked: `${method} ${path}  ${namespace} → ${host}:${port}`, ...course };
}

function toService(service: ServiceName, asked: Asked): Course {
  const { port, surroundings } = asked;
  const rules = surroundings.rules.forService(service.namespace, service.name, port);
  if (rules?.route !== undefined) return { kind: 'ruled', ...routeOf(rules, asked) };
  const reason = nobodyServes(hostOfService(service), port, surroundings);
  if (reason !== undefined) return { kind: 'refused', reason };
  return rules === undefined ? { kind: 'unruled' } : { kind: 'ruled', rules, unserved: [] };
}

function toOutside(host: string, asked: Asked): Course {
  const { port, surroundings } = asked;
  const { rules } = surroundings;
  const reason = rules.outsideProblem(host, port);
  if (reason !== undefined) return { kind: 'refused', reason };
  const gateway = rules.forHost(host, port);
  const leaving = gateway?.route === undefined ? undefined : routeOf(gateway, asked);
  const [first] = leaving?.route?.destinations ?? [];
  // Rules about a host outside send its requests to an egress gateway, or say nothing of where they go.
  if (leaving !== undefined && first !== undefined && serviceOfHost(first.host) !== undefined)
    return { kind: 'ruled', byGateway: true, ...leaving };
  return { kind: 'outside', known: rules.outside(host, port) ?? rules.outsideAddress(host, port) };
}

/** Ports that stand for whichever a service has. */
const USUAL_PORTS: ReadonlySet<number> = new Set([80, 443]);

function nobodyServes(host: string, port: number, { portsOf }: Surroundings): string | undefined {
  const service = serviceOfHost(host);
  if (service === undefined) return undefined;
  const ports = portsOf(service) ?? [];
  if (ports.length === 0) return `no instance of ${host} is registered`;
  if (USUAL_PORTS.has(port) || ports.includes(port)) return undefined;
  return `no instance of ${host} serves port ${port} (known: ${[...new Set(ports)].toSorted((a, b) => a - b).join(', ')})`;
}

interface Asked {
  readonly request: RoutedRequest;
  readonly port: number;
  readonly surroundings: Surroundings;
}

function routeOf(
  rules: ServiceRules,
  { request, port, surroundings }: Asked,
): Pick<DescribedCall & { kind: 'ruled' }, 'rules' | 'route' | 'answer' | 'url' | 'unserved'> {
  const route = rules.route?.(request);
  const unserved = (route?.destinations ?? []).map((to) => nobodyServes(to.host, to.port ?? port, surroundings));
  return {
    rules,
    route,
    answer: route?.answer?.(request),
    url: route?.rewriteUrl?.(request.url),
    unserved: unserved.filter((reason) => reason !== undefined),
  };
}

function placeOf(text: string): Place {
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text.toLowerCase()) ?? [];
  const number = port === undefined ? HTTP_PORT : Number(port);
  if (host !== '' && !host.includes('/') && number >= 1 && number <= MAX_PORT) return { host, port: number };
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)} is no host: write orders-api, or orders-api.shop:8080`,
  );
}
