import type { AuthorizationRule } from '../../resource/authorization/rule.ts';

/** Where probes ask whether a workload is well; whoever asks learns nothing else. */
const HEALTH_PATH =
  /^\/(?:health|healthz|livez|readyz|live|ready|liveness|readiness|ping|actuator\/health(?:\/(?:liveness|readiness))?|grpc\.health\.v1\.Health\/(?:Check|Watch))\/?$/;

/** Whether a rule is about nothing but health checks, which anybody may ask. */
export function isHealthCheck({ to = [] }: AuthorizationRule): boolean {
  return (
    to.length > 0 &&
    to.every(({ operation: { paths = [] } }) => paths.length > 0 && paths.every((path) => HEALTH_PATH.test(path)))
  );
}
