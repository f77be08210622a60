import type { PortPolicy, TrafficPolicy } from '../../resource/traffic/destination-rule/traffic-policy.ts';

/** What holds for one port. */
export type MergedPolicy = Pick<
  TrafficPolicy,
  'loadBalancer' | 'connectionPool' | 'outlierDetection' | 'tls' | 'retryBudget'
>;

/**
 * Lays what is said of a subset over what is said of its service (Istio `MergeTrafficPolicy`): of each part the subset's word
 * counts where it has one. What is said of a port stands in place of all of it.
 */
export function mergePolicy(
  of: TrafficPolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: number,
): MergedPolicy {
  return laid(laid({}, of, port), subset, port);
}

function laid(below: MergedPolicy, above: TrafficPolicy | undefined, port: number): MergedPolicy {
  if (above === undefined) return below;
  const { portLevelSettings = [], ...own } = above;
  const ofPort = portLevelSettings.find((settings) => settings.port.number === port);
  if (ofPort === undefined) return { ...below, ...own };
  const { retryBudget } = { ...below, ...own };
  const { port: _number, ...settings }: PortPolicy & { readonly port: unknown } = ofPort;
  return { ...settings, ...(retryBudget === undefined ? {} : { retryBudget }) };
}
