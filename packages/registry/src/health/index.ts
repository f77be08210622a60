/** Running checks, for whoever runs them: the control plane, and the agents of its hosts. */
export type { CheckDefinition, CheckKind, CheckStatus } from './check.ts';
export type { CheckedInstance } from './checked-instance.ts';
export { AGENT_SILENCE_MS, HealthMonitor, type Observation } from './monitor.ts';
export type { Probe, ProbeResult } from './probe.ts';
export { type ProbeLimits, probeLimits } from './probe-target.ts';
export type { ProbeIdentity } from './probes/probe-connection.ts';
export { createProbe } from './probes/probes.ts';
