import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { type NewWorkload, type WorkloadOptions, workloadOf, workloadOptions } from '../arguments/workload-options.ts';
import { childEnvironment } from '../launch/child-environment.ts';
import { type ChildExit, runChild, unusableProgram } from '../launch/child-process.ts';
import { controlPlaneOf } from '../launch/control-plane-of.ts';
import { givenEvidence, isForOneStart } from '../launch/given-evidence.ts';
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
  readonly traits: Environment;
  /** What it shows for its identity; undefined for a token that is made at each start. */
  readonly evidence: Environment | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

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
      'put a sidecar beside it, as --app-port does, and as is done for programs that are not Node: for what a shell starts',
    )
    .option('--no-sidecar', 'put none beside it: for programs that are not Node and start some that are')
    .option('--restart', 'start it again whenever it fails: with a new token, or behind the same sidecar')
    .addHelpText(
      'after',
      examples(
        ['rampart run --service orders-api -- node app.js', 'an instance of orders-api'],
        ['rampart run --service web --namespace shop --label tier=front -- npm start', 'with a namespace and a label'],
        ['rampart run --service-account batch -- node job.js', 'a client that serves nothing'],
        ['rampart run --service web --app-port 8000 -- python3 -m http.server 8000', 'any language, behind a sidecar'],
        ['rampart run --service-account batch -- curl http://web/', 'any language, only calls others'],
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
  if (options.sidecar === true || options.appPort !== undefined) return runBeside(words, options, invocation);
  const program = await programOf(words, invocation);
  if (program === 'other' && options.sidecar !== false) return runBeside(words, options, invocation);
  tellWhoDecides(options, invocation);
  const evidence = givenEvidence(options, invocation.io);
  const launch = { words, workload, program, traits: instanceEnvironment(options), evidence };
  if (options.restart !== true) return (await launchOnce(launch, invocation)).code;
  if (evidence !== undefined && isForOneStart(evidence))
    throw new RampartError(
      'INVALID_ARGUMENT',
      'a join token is good for one start, and --restart may need more: leave one of them out, or attest with what does not wear out (RAMPART_ATTESTATION)',
    );
  return keepRunning(words[0] ?? '', () => launchOnce(launch, invocation), invocation);
}

function runBeside(words: readonly string[], options: RunOptions, invocation: Invocation): Promise<number> {
  // Begins this process anew: what is said before is said twice.
  invocation.io.becomeLean('sidecar');
  tellWhoDecides(options, invocation);
  if (options.sidecar === undefined && options.appPort === undefined)
    tellOfSidecar(words[0] ?? '', options, invocation);
  return runWithSidecar(words, options, invocation);
}

/** What is in the environment may be left there by something else. */
function tellWhoDecides({ joinTokenFile, ...options }: RunOptions, { io, note }: Invocation): void {
  const said = ['service', 'namespace', 'serviceAccount', 'label'] as const;
  if (joinTokenFile !== undefined || said.every((name) => options[name] === undefined)) return;
  if ((io.env['RAMPART_JOIN_TOKEN'] ?? '') === '') return;
  note('who this is says the token in RAMPART_JOIN_TOKEN; unset it to have one made for what the options say');
}

function tellOfSidecar(command: string, { service }: RunOptions, { note }: Invocation): void {
  note(
    service === undefined
      ? `${command} is not a Node program: it calls others through a sidecar beside it`
      : `warning: ${command} is not a Node program: it calls others through a sidecar beside it, and nobody can call it as ${service} unless --app-port PORT says where it listens`,
  );
}

async function programOf(words: readonly string[], { io }: Invocation): Promise<ProgramKind> {
  const program = await programKindOf(words, { path: io.env['PATH'] ?? '', workingDirectory: io.workingDirectory });
  if (program === undefined) throw await unusableProgram(words[0] ?? '', io.workingDirectory);
  if (program === 'yarn')
    throw new RampartError(
      'INVALID_ARGUMENT',
      'yarn would use up the one-use token itself; start the program directly: rampart run -- node app.js',
    );
  return program;
}

async function launchOnce(
  { words, workload, program, traits, evidence: given }: Launch,
  invocation: Invocation,
): Promise<ChildExit> {
  const { io, withAdmin } = invocation;
  const { address, caFile } = await controlPlaneOf(invocation);
  const evidence = given ?? {
    RAMPART_JOIN_TOKEN: (
      await withAdmin((client) => client.createJoinToken({ workload, ttlSeconds: TOKEN_TTL_SECONDS }))
    ).token,
  };
  const registerUrl = import.meta.resolve('@rampart/node/register');
  const base = { ...io.env, ...traits };
  const environment = childEnvironment(base, { registerUrl, address, caFile, evidence }, program);
  return runChild({ words, environment }, io);
}
