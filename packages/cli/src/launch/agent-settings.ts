import { hostname } from 'node:os';
import { RampartError } from '@rampart/core';
import type { Invocation } from '../shell.ts';
import { socketPathOf } from './agent-socket.ts';
import { controlPlaneOf } from './control-plane-of.ts';
import { givenEvidence } from './given-evidence.ts';

/** What was said on the command line about an agent. */
export interface AgentCommandOptions {
  readonly socket?: string;
  readonly joinTokenFile?: string;
  readonly name?: string;
}

/** How one agent is started. */
export interface AgentSettings {
  readonly address: URL;
  readonly caFile: string;
  /** Environment that says what the agent attests with. */
  readonly evidence: Readonly<Record<string, string | undefined>>;
  readonly socketPath: string;
  readonly userId: number;
}

const TOKEN_TTL_SECONDS = 60;

/** @throws RampartError INVALID_ARGUMENT, CONTROL_PLANE_UNREACHABLE */
export async function agentSettings(options: AgentCommandOptions, invocation: Invocation): Promise<AgentSettings> {
  const { io } = invocation;
  if (io.userId === undefined) {
    throw new RampartError('UNSUPPORTED_FEATURE', 'an agent asks the kernel who calls, and knows how on Linux only');
  }
  const socketPath = socketPathOf(options.socket, io);
  const { address, caFile } = await controlPlaneOf(invocation);
  const evidence = givenEvidence(options, io) ?? { RAMPART_JOIN_TOKEN: await mintToken(options.name, invocation) };
  return { address: new URL(address), caFile, evidence, socketPath, userId: io.userId };
}

/** On the operator's own machine, as `rampart run` does it for workloads. */
async function mintToken(name: string | undefined, { withAdmin }: Invocation): Promise<string> {
  const agent = name ?? hostname().toLowerCase();
  const { token } = await withAdmin((client) => client.createJoinToken({ agent, ttlSeconds: TOKEN_TTL_SECONDS }));
  return token;
}
