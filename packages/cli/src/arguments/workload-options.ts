import { Option } from 'commander';
import { collectLabel, type Pairs } from './pair.ts';
import { requireDnsLabel } from './workload.ts';

/** Who a new workload is, as options of the command line. */
export interface WorkloadOptions {
  readonly service?: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly label?: Pairs;
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
    labels: { ...(service === '' ? {} : { app: service }), ...options.label },
  };
}
