import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { type NewWorkload, type WorkloadOptions, workloadOf, workloadOptions } from '../arguments/workload-options.ts';
import { childEnvironment } from '../launch/child-environment.ts';
import { type ChildExit, runChild } from '../launch/child-process.ts';
import { instanceEnvironment, type InstanceOptions, instanceOptions } from '../launch/instance-options.ts';
import { keepRunning } from '../launch/keep-running.ts';
import { type ProgramKind, programKindOf } from '../launch/program-kind.ts';
import { runWithSidecar } from '../launch/run-with-sidecar.ts';
import { type SidecarOptions, sidecarOptions } from '../launch/sidecar-launch.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface RunOptions extends WorkloadOptions, InstanceOptions, SidecarOptions {
  readonly restart?: boolean;
  readonly sidecar?: boolean;
}

interface Launch {
  readonly words: readonly string[];
  readonly workload: NewWorkload;
  readonly program: ProgramKind;
  /** What its instances say of themselves. */
  readonly traits: Readonly<Record<string, string>>;
}

// Long enough for a slow start, short enough that a token left in an environment is soon worthless.
const TOKEN_TTL_SECONDS = 120;

export function defineRun(parent: Command, shell: Shell): void {
  const run = parent
    .command('run')
    .description('start a command inside the mesh: it gets an identity, mutual TLS and policy without a change')
    .usage('[options] -- COMMAND...')
    .argument('<command...>', 'the command and its arguments, after --')
    .option(
      '--sidecar',
      'put a sidecar beside it, as --app-port does: for programs that are not Node and only call others',
    )
    .option('--restart', 'start it again whenever it fails: with a new token, or behind the same sidecar')
    .addHelpText(
      'after',
      examples(
        ['rampart run --service orders-api -- node app.js', 'an instance of orders-api'],
        ['rampart run --service web --namespace shop --label tier=front -- npm start', 'with a namespace and a label'],
        ['rampart run --service-account batch -- node job.js', 'a client that serves nothing'],
        ['rampart run --service web --app-port 8000 -- python3 -m http.server 8000', 'any language, behind a sidecar'],
        ['rampart run --service-account batch --sidecar -- curl http://web/', 'any language, only calls others'],
      ),
    )
    .action((words: string[], options: RunOptions, command: Command) =>
      shell.run(command, (invocation) => start({ words, options }, invocation)),
    );
  for (const option of [...workloadOptions(), ...instanceOptions(), ...sidecarOptions()]) run.addOption(option);
}

async function start(
  { words, options }: { readonly words: readonly string[]; readonly options: RunOptions },
  invocation: Invocation,
): Promise<number> {
  const workload = workloadOf(options);
  if (options.sidecar === true || options.appPort !== undefined) {
    invocation.io.becomeLean();
    return runWithSidecar(words, options, invocation);
  }
  const program = await programOf(words[0] ?? '', invocation);
  const launch = { words, workload, program, traits: instanceEnvironment(options) };
  if (options.restart !== true) return (await launchOnce(launch, invocation)).code;
  return keepRunning(words[0] ?? '', () => launchOnce(launch, invocation), invocation);
}

async function programOf(command: string, { io, note }: Invocation): Promise<ProgramKind> {
  const program = await programKindOf(command, { path: io.env['PATH'] ?? '', workingDirectory: io.workingDirectory });
  if (program === 'yarn')
    throw new RampartError(
      'INVALID_ARGUMENT',
      'yarn would use up the one-use token itself; start the program directly: rampart run -- node app.js',
    );
  if (program === 'other')
    note(
      `warning: ${command} is not a Node program; only Node programs that it starts come into the mesh. For it itself, add --app-port PORT or --sidecar`,
    );
  return program;
}

async function launchOnce(
  { words, workload, program, traits }: Launch,
  { io, settings, withAdmin }: Invocation,
): Promise<ChildExit> {
  const { address, caFile } = await settings();
  const { token } = await withAdmin((client) => client.createJoinToken({ workload, ttlSeconds: TOKEN_TTL_SECONDS }));
  const registerUrl = import.meta.resolve('@rampart/node/register');
  const base = { ...io.env, ...traits };
  const environment = childEnvironment(base, { registerUrl, address, caFile, joinToken: token }, program);
  return runChild({ words, environment }, io);
}
