import type { CompiledAnswer, CompiledMirror, CompiledRoute, OutsideService, ServiceRules } from '@rampart/core';
import { policyText } from './policy-text.ts';

/** What would become of a request. */
export type DescribedCall = { readonly asked: string } & Course;

export type Course =
  | { readonly kind: 'unruled' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'outside'; readonly known: OutsideService | undefined }
  | {
      readonly kind: 'ruled';
      readonly rules: ServiceRules;
      /** Undefined where no route is about it, or where there are no routes. */
      readonly route?: CompiledRoute | undefined;
      readonly answer?: CompiledAnswer | undefined;
      /** The target that is sent, where it is changed. */
      readonly url?: string | undefined;
      /** Why requests to some of the destinations would be answered 503. */
      readonly unserved: readonly string[];
      /** It is for a host outside the mesh, and leaves where it goes. */
      readonly byGateway?: boolean;
    };

const WIDTH = 13;
const ALL = 100;

export function renderCall(call: DescribedCall): string {
  return [line('Call', call.asked), ...linesOf(call)].join('');
}

export function callData(call: DescribedCall): object {
  if (call.kind !== 'ruled') return call;
  const { asked, rules, route, answer, url, unserved, byGateway = false } = call;
  return {
    asked,
    kind: call.kind,
    virtualService: rules.virtualService,
    destinationRule: rules.destinationRule,
    route: route?.name,
    destinations: route?.destinations.map(({ host, subset, port, weight }) => ({ host, subset, port, weight })),
    answer: answer === undefined ? undefined : { status: answer.status, headers: answer.headers },
    url,
    unserved,
    byGateway,
    timeoutMs: route?.timeoutMs,
    retries: route?.retries === undefined ? undefined : { attempts: route.retries.attempts, on: [...route.retries.on] },
    policy: rules.policy(route?.destinations[0]?.subset),
  };
}

function linesOf(call: DescribedCall): string[] {
  switch (call.kind) {
    case 'unruled':
      return [line('Rules', 'none: it goes to any instance in service')];
    case 'refused':
      return [line('Refused', call.reason)];
    case 'outside':
      return outside(call.known);
    case 'ruled':
      return ruled(call);
  }
}

function outside(known: OutsideService | undefined): string[] {
  if (known === undefined) return [line('Leaves', 'the mesh, which is open outwards: no ServiceEntry names it')];
  const { entry, resolution, endpoints, targetPort, rules } = known;
  const tls = rules?.policy(undefined).tls;
  const places = endpoints.map(({ address, port }) => `${address}:${port}`);
  return [
    line('Leaves', `the mesh by ServiceEntry ${entry}`),
    line(
      'Goes to',
      places.length === 0 ? `port ${targetPort} of what the name stands for (${resolution})` : places.join(', '),
    ),
    ...(tls === undefined
      ? []
      : [line('TLS', `${tls.mode}, spoken in the caller's place (DestinationRule ${rules?.destinationRule})`)]),
  ];
}

type Ruled = Extract<DescribedCall, { readonly kind: 'ruled' }>;

function ruled({ rules, route, answer, url, unserved, byGateway = false }: Ruled): string[] {
  const subset = route?.destinations[0]?.subset;
  return [
    ...(rules.route === undefined
      ? []
      : [line('Route', route?.name ?? `none of ${rules.virtualService} is about it: 404`)]),
    ...(answer === undefined
      ? []
      : [line('Answered', `${answer.status} ${answer.headers.map(([, value]) => value).join(' ')}`.trimEnd())]),
    ...(route?.destinations ?? []).map((to) =>
      line('Goes to', `${String(to.weight).padStart(3)} %  ${destinationText(to)}`),
    ),
    ...unserved.map((reason) => line('Answered', `503: ${reason}`)),
    ...(byGateway ? [line('Leaves', 'the mesh there: it is an egress gateway, or nothing')] : []),
    ...(url === undefined ? [] : [line('As', url)]),
    ...(route === undefined ? [] : times(route)),
    ...(rules.destinationRule === undefined
      ? []
      : [line('Instances', `${rules.destinationRule}: ${policyText(rules.policy(subset))}`)]),
  ];
}

/** "orders-api.default.svc:8080 subset v1". */
function destinationText({ host, port, subset }: Pick<CompiledMirror, 'host' | 'port' | 'subset'>): string {
  const place = host.replace('.cluster.local', '');
  return `${place}${port === undefined ? '' : `:${port}`}${subset === undefined ? '' : ` subset ${subset}`}`;
}

function times({ timeoutMs, retries, fault, mirrors = [] }: CompiledRoute): string[] {
  const tried =
    retries === undefined || retries.attempts === 0
      ? undefined
      : `${retries.attempts} on ${[...retries.on].map((on) => (on === 'retriable-status-codes' ? [...retries.statuses].join(', ') : on)).join(', ')}`;
  return [
    ...(timeoutMs === undefined ? [] : [line('Timeout', `${timeoutMs} ms`)]),
    ...(tried === undefined ? [] : [line('Retries', tried)]),
    ...(fault?.delay === undefined
      ? []
      : [line('Delayed', `${fault.delay.share * ALL} % by ${fault.delay.milliseconds} ms`)]),
    ...(fault?.abort === undefined ? [] : [line('Aborted', `${fault.abort.share * ALL} % with ${fault.abort.status}`)]),
    ...mirrors.map((to) => line('Copied', `${to.share * ALL} % to ${destinationText(to)}`)),
  ];
}

function line(name: string, text: string): string {
  return `${name.padEnd(WIDTH)}${text}\n`;
}
