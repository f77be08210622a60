export { probeLimits } from '@rampart/registry/health';
export { type Agent, type AgentOptions, startAgent } from './agent.ts';
export { createSteadyClock } from './steady-clock.ts';
export { createLineLog, evidenceOf, type LogLevel } from '@rampart/mesh';
