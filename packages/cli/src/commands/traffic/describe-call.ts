import {
  compileTraffic,
  parseResource,
  parseServiceName,
  RampartError,
  type Resource,
  type RoutedRequest,
  type ServiceRules,
  type TrafficRules,
} from '@rampart/core';
import type { Command } from 'commander';
import { collectHeader, collectLabel, type Pairs } from '../../arguments/pair.ts';
import { parseMethod, parsePath } from '../../arguments/request.ts';
import { EXIT } from '../../exit-code.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { callData, type DescribedCall, renderCall } from './call-view.ts';

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
  const { resources, rootNamespace, isKnown } = await withAdmin(async (client) => {
    const [status, stored, { services }] = await Promise.all([
      client.getStatus({}),
      client.getResources({}),
      client.listServices({}),
    ]);
    const known = new Set(services.map(({ name, namespace }) => `${namespace}/${name}`));
    return {
      rootNamespace: status.rootNamespace,
      resources: stored.resources.flatMap(({ json }): Resource[] => {
        const parsed = parseResource(JSON.parse(json));
        return parsed.ok ? [parsed.value] : [];
      }),
      isKnown: (name: string, namespace: string): boolean => known.has(`${namespace}/${name}`),
    };
  });
  const { namespace, label = {} } = options;
  const rules = compileTraffic({ workload: { namespace, labels: label }, resources, rootNamespace });
  const call = callOf(place, { options, rules, isKnown });
  show({ data: () => callData(call), table: () => renderCall(call) });
  return call.kind === 'refused' ? EXIT.no : EXIT.ok;
}

interface Surroundings {
  readonly options: CallOptions;
  readonly rules: TrafficRules;
  isKnown(name: string, namespace: string): boolean;
}

function callOf({ host, port }: Place, { options, rules, isKnown }: Surroundings): DescribedCall {
  const { method, path, namespace } = options;
  const service = parseServiceName(host, namespace);
  const asked = { asked: `${method} ${path}  ${namespace} → ${host}:${port}` };
  if (
    service !== undefined &&
    (!host.includes('.') || host.includes('.svc') || isKnown(service.name, service.namespace))
  ) {
    const about = rules.forService(service.namespace, service.name, port);
    const request: RoutedRequest = { method, url: path, authority: host, headers: options.header ?? {} };
    return about === undefined
      ? { ...asked, kind: 'unruled' }
      : { ...asked, kind: 'ruled', ...routeOf(about, request) };
  }
  const reason = rules.outsideProblem(host, port);
  if (reason !== undefined) return { ...asked, kind: 'refused', reason };
  return { ...asked, kind: 'outside', known: rules.outside(host, port) ?? rules.outsideAddress(host, port) };
}

function routeOf(
  rules: ServiceRules,
  request: RoutedRequest,
): Pick<DescribedCall & { kind: 'ruled' }, 'rules' | 'route' | 'answer' | 'url'> {
  const route = rules.route?.(request);
  return { rules, route, answer: route?.answer?.(request), url: route?.rewriteUrl?.(request.url) };
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
