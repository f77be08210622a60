import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Agent, LogLevel } from '@rampart/agent';
import { DEFAULT_ROOT_NAMESPACE, RampartError } from '@rampart/core';
import { type Command, Option } from 'commander';
import { collectText } from '../../arguments/pair.ts';
import { EXIT } from '../../exit-code.ts';
import { type AgentCommandOptions, agentSettings } from '../../launch/agent-settings.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { VERSION } from '../../version.ts';

interface AgentOptions extends AgentCommandOptions {
  readonly logLevel: LogLevel;
  readonly probeNetwork?: readonly string[];
  readonly scriptChecks: boolean;
}

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];
const RANDOM_STEPS: number = 2 ** 32;

export function defineAgent(parent: Command, shell: Shell): void {
  parent
    .command('agent')
    .description('give the workloads of this host their identities: SPIFFE Workload API and Envoy SDS on a Unix socket')
    .option(
      '--socket <path>',
      'where to listen (default: /run/rampart/agent.sock for root, else rampart/agent.sock in $XDG_RUNTIME_DIR)',
    )
    .option(
      '--join-token-file <file>',
      'file with the join token of this agent (default: what $RAMPART_ATTESTATION, $RAMPART_JOIN_TOKEN or $RAMPART_JOIN_TOKEN_FILE say, else one is made as client.json allows)',
    )
    .option('--name <name>', 'name of the agent when its token is made here (default: name of the host)')
    .option(
      '--probe-network <cidr>',
      'run health checks in this network, too: containers of this host; may be repeated (default: own addresses only)',
      collectText,
    )
    .option('--script-checks', 'run health checks that are programs', false)
    .addOption(
      new Option('--log-level <level>', 'how much is logged on standard error').choices(LOG_LEVELS).default('warn'),
    )
    .addHelpText(
      'after',
      examples(
        ['rampart agent', 'beside the control plane: makes its own token'],
        [
          'rampart agent --address https://mesh:8443 --ca ca.pem --join-token-file token',
          'on another host, with a token of "rampart token create --agent NAME"',
        ],
        ['SPIFFE_ENDPOINT_SOCKET=unix:///run/rampart/agent.sock ./app', 'a workload that asks it'],
      ),
    )
    .action((options: AgentOptions, command: Command) =>
      shell.run(command, (invocation) => runAgent(options, invocation)),
    );
}

async function runAgent(options: AgentOptions, invocation: Invocation): Promise<number> {
  const { io, note } = invocation;
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<'interrupted'>();
  const release = io.onSignal(['SIGINT', 'SIGTERM', 'SIGHUP'], () => interrupt('interrupted'));
  try {
    const agent = await start(options, invocation);
    try {
      const first = await Promise.race([agent.ready, interrupted]);
      if (first !== undefined && first !== 'interrupted') announce(agent, first, invocation);
      const end = await Promise.race([agent.refused, interrupted]);
      if (end === 'interrupted') return EXIT.ok;
    } finally {
      note('stopping');
      await agent.stop();
    }
    throw new RampartError(
      'INVALID_JOIN_TOKEN',
      'the control plane refuses this agent; make a token with "rampart token create --agent NAME" and start it again',
    );
  } finally {
    release();
  }
}

async function start(options: AgentOptions, invocation: Invocation): Promise<Agent> {
  const { io } = invocation;
  const settings = await agentSettings(options, invocation);
  // Loaded only here, so that no other command pays for it.
  const { createLineLog, createSteadyClock, evidenceOf, probeLimits, startAgent } = await import('@rampart/agent');
  return startAgent({
    controlPlane: {
      url: settings.address,
      caPem: await readCa(settings.caFile),
      rootNamespace: io.env['RAMPART_ROOT_NAMESPACE'] ?? DEFAULT_ROOT_NAMESPACE,
    },
    evidence: evidenceOf(settings.evidence),
    socketPath: settings.socketPath,
    userId: settings.userId,
    version: VERSION,
    clock: io.clock,
    steady: createSteadyClock(io.clock),
    random: () => randomInt(RANDOM_STEPS) / RANDOM_STEPS,
    probes: probeLimits(options.probeNetwork ?? [], options.scriptChecks),
    log: createLineLog('agent', options.logLevel, (line) => io.stderr.write(line)),
  });
}

async function readCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new RampartError('INVALID_ARGUMENT', `the CA file cannot be read: ${reason}`, { cause });
  }
}

function announce({ socketPath }: Agent, spiffeId: string, { io, globals, palette, renderData }: Invocation): void {
  const endpoint = `unix://${socketPath}`;
  if (globals.output !== 'table') {
    io.stdout.write(renderData({ spiffeId, socket: socketPath, endpoint }));
    return;
  }
  const lines = [
    `${palette.good('●')} ${palette.bold(spiffeId)}`,
    '',
    'Workloads of this host find it with:',
    '',
    `  export SPIFFE_ENDPOINT_SOCKET=${endpoint}`,
    '',
    palette.dim('Ctrl-C stops it.'),
    '',
  ];
  io.stdout.write(lines.join('\n'));
}
