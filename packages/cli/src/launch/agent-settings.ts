import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Invocation } from '../shell.ts';

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
  readonly joinToken: string;
  readonly socketPath: string;
  readonly userId: number;
}

const SYSTEM_SOCKET = '/run/rampart/agent.sock';
const TOKEN_TTL_SECONDS = 60;

/** @throws RampartError INVALID_ARGUMENT, CONTROL_PLANE_UNREACHABLE */
export async function agentSettings(options: AgentCommandOptions, invocation: Invocation): Promise<AgentSettings> {
  const { io } = invocation;
  if (io.userId === undefined) {
    throw new RampartError('UNSUPPORTED_FEATURE', 'an agent asks the kernel who calls, and knows how on Linux only');
  }
  const socketPath = socketPathOf(options.socket, invocation);
  const given = await givenToken(options, invocation);
  const { address, caFile } = await controlPlaneOf(invocation);
  const joinToken = given ?? (await mintToken(options, invocation));
  return { address: new URL(address), caFile, joinToken, socketPath, userId: io.userId };
}

/** Absolute path of the agent's socket: as given, or where the user's own agents have it. */
function socketPathOf(given: string | undefined, { io }: Pick<Invocation, 'io'>): string {
  if (given !== undefined) return resolve(io.workingDirectory, given.replace(/^unix:(?:\/\/)?/, ''));
  if (io.userId === 0) return SYSTEM_SOCKET;
  const runtime = io.env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '') return join(runtime, 'rampart', 'agent.sock');
  throw new RampartError('INVALID_ARGUMENT', 'XDG_RUNTIME_DIR is not set: say where the socket is with --socket');
}

/** The environment says it in the words of data planes; the command line goes first, client.json last. */
async function controlPlaneOf({ io, globals, settings }: Invocation): Promise<{ address: string; caFile: string }> {
  const address = globals.address ?? io.env['RAMPART_CONTROL_PLANE'];
  const ca = globals.ca ?? io.env['RAMPART_CA_FILE'];
  if (address === undefined || ca === undefined) return settings();
  if (!URL.canParse(address) || new URL(address).protocol !== 'https:') {
    throw new RampartError('INVALID_ARGUMENT', 'the control plane is at an https URL such as https://127.0.0.1:8443');
  }
  return { address, caFile: resolve(io.workingDirectory, ca) };
}

async function givenToken({ joinTokenFile }: AgentCommandOptions, { io }: Invocation): Promise<string | undefined> {
  const direct = io.env['RAMPART_JOIN_TOKEN'];
  const file = joinTokenFile ?? io.env['RAMPART_JOIN_TOKEN_FILE'];
  if (joinTokenFile === undefined && direct !== undefined && direct !== '') return direct;
  if (file === undefined || file === '') return undefined;
  const path = resolve(io.workingDirectory, file);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new RampartError('INVALID_ARGUMENT', `the file of the join token cannot be read: ${reason}`, { cause });
  });
  const token = text.trim();
  if (token === '') throw new RampartError('INVALID_ARGUMENT', `${path} is empty; it should hold a join token`);
  return token;
}

/** On the operator's own machine, as `rampart run` does it for workloads. */
async function mintToken({ name }: AgentCommandOptions, { withAdmin }: Invocation): Promise<string> {
  const agent = name ?? hostname().toLowerCase();
  const { token } = await withAdmin((client) => client.createJoinToken({ agent, ttlSeconds: TOKEN_TTL_SECONDS }));
  return token;
}
