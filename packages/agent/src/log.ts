import type { MeshLog } from '@rampart/mesh';

/** How much an agent says, least first. */
export const AGENT_LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type AgentLogLevel = (typeof AGENT_LOG_LEVELS)[number];

/** A log of one line for each message. Causes are told by their message, never by what they hold. */
export function createAgentLog(level: AgentLogLevel, write: (line: string) => void): MeshLog {
  const most = AGENT_LOG_LEVELS.indexOf(level);
  const at =
    (name: AgentLogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (AGENT_LOG_LEVELS.indexOf(name) <= most) write(`agent ${name}: ${message}${describe(fields)}\n`);
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

function describe(fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(
    ([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value)}`,
  );
  return parts.length === 0 ? '' : ` (${parts.join(' ')})`;
}
