import { Option } from 'commander';
import type { Place } from './place.ts';
import { collectLabel, type Pairs } from './pair.ts';
import { requireDnsLabel } from './workload.ts';

/** Who a new workload is, as options of the command line. */
export interface WorkloadOptions {
  readonly service?: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly label?: Pairs;
  /** Of its instances; its labels say it, too, as in Kubernetes, because rules about places go by those. */
  readonly locality?: Place;
}

/** Who a new workload is. */
export interface NewWorkload {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** "" for a workload that serves nothing. */
  readonly service: string;
  readonly labels: Record<string, string>;
}

/** The options that say who a new workload is. */
export function workloadOptions(): Option[] {
  return [
    new Option('--service <name>', 'service it is an instance of (default: none, a pure client)'),
    new Option('-n, --namespace <name>', 'namespace (default: default)'),
    new Option(
      '--service-account <name>',
      'service account, the last part of its identity (default: the service, else default)',
    ),
    new Option(
      '-l, --label <key=value>',
      'label that policies select by, may be repeated (default: app=<service>)',
    ).argParser(collectLabel),
  ];
}

/** The workload that the options describe; the label "app" is its service unless said otherwise, because policies select by it. */
export function workloadOf(options: WorkloadOptions): NewWorkload {
  const service = options.service === undefined ? '' : requireDnsLabel(options.service, '--service');
  const serviceAccount = options.serviceAccount ?? (service === '' ? 'default' : service);
  return {
    service,
    namespace: requireDnsLabel(options.namespace ?? 'default', '--namespace'),
    serviceAccount: requireDnsLabel(serviceAccount, '--service-account'),
    labels: { ...(service === '' ? {} : { app: service }), ...placeLabels(options.locality), ...options.label },
  };
}

function placeLabels(place: Place | undefined): Record<string, string> {
  if (place === undefined) return {};
  const { region, zone } = place;
  const ofZone: Record<string, string> = zone === '' ? {} : { 'topology.kubernetes.io/zone': zone };
  return { 'topology.kubernetes.io/region': region, ...ofZone };
}
