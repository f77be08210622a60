export { probeLimits } from '@rampart/registry/health';
export { type Agent, type AgentOptions, startAgent } from './agent.ts';
export { evidenceOf } from './evidence.ts';
export { AGENT_LOG_LEVELS, type AgentLogLevel, createAgentLog } from './log.ts';
