import type { ControlPlaneOptions } from '@rampart/server';
import { Option } from 'commander';

/** Options of `rampart up` about the health checks that it runs. */
export interface HealthCheckOptions {
  readonly probeNetwork?: readonly string[];
  readonly scriptChecks?: true;
}

export function healthCheckOptions(): readonly Option[] {
  return [
    new Option(
      '--probe-network <cidr>',
      'network where health checks may be run beside the address that a registration comes from; may be repeated',
    ).argParser(collect),
    new Option('--script-checks', 'operators may register health checks that are programs on this machine'),
  ];
}

export function healthChecksOf({
  probeNetwork,
  scriptChecks,
}: HealthCheckOptions): Pick<ControlPlaneOptions, 'healthChecks'> {
  return {
    healthChecks: {
      ...(probeNetwork === undefined ? {} : { networks: probeNetwork }),
      ...(scriptChecks === undefined ? {} : { scripts: true }),
    },
  };
}

function collect(text: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), text];
}
