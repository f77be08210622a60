import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { defineAnalyze } from './commands/analyze.ts';
import { defineAudit } from './commands/audit/audit.ts';
import { defineAuthz } from './commands/authz/authz.ts';
import { defineBackup } from './commands/backup/backup.ts';
import { defineRestore } from './commands/backup/restore.ts';
import { defineCa } from './commands/ca/ca.ts';
import { defineCertsHistory } from './commands/certs/history.ts';
import { defineCertsProof } from './commands/certs/proof.ts';
import { defineCertsShow } from './commands/certs/show.ts';
import { defineCertsVerify } from './commands/certs/verify.ts';
import { defineCertsList } from './commands/certs-list.ts';
import { defineCertsRevoke } from './commands/certs-revoke.ts';
import { defineDelete } from './commands/delete.ts';
import { defineGet } from './commands/get.ts';
import { defineRevoke } from './commands/identity/revoke.ts';
import { defineAgent } from './commands/identity/agent.ts';
import { defineSvid } from './commands/identity/svid/svid.ts';
import { defineLogs } from './commands/logs.ts';
import { defineAcl } from './commands/registry/acl.ts';
import { defineRegistry } from './commands/registry/registry.ts';
import { defineApply } from './commands/resources/apply.ts';
import { defineDiff } from './commands/resources/diff.ts';
import { defineHistory } from './commands/resources/history.ts';
import { defineRun } from './commands/run.ts';
import { defineStatus } from './commands/status.ts';
import { defineTlsCheck } from './commands/tls-check.ts';
import { defineToken } from './commands/token.ts';
import { defineApiToken } from './commands/trust/api-token.ts';
import { defineFederation } from './commands/trust/federation.ts';
import { defineJwt } from './commands/trust/jwt.ts';
import { defineUp } from './commands/up.ts';
import { defineVersion } from './commands/version.ts';
import { EXIT } from './exit-code.ts';
import { reportFailure } from './failure.ts';
import type { Io, OutputStream } from './io.ts';
import { wantsColour } from './render/colour.ts';
import { type OutputFormat, OUTPUT_FORMATS } from './render/output.ts';
import { addGlobalOptions, examples, Shell } from './shell.ts';
import { VERSION } from './version.ts';

/**
 * Runs one `rampart` command line (without the program's own name) and gives its exit code: 0 yes or done,
 * 1 the answer is no, 2 used wrongly, 3 could not reach what it needs. Never throws; errors are printed.
 */
export async function runCommandLine(words: readonly string[], io: Io): Promise<number> {
  const shell = new Shell(io);
  const program = createProgram(shell, io);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync(words, { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    if (isHelp(error)) return EXIT.ok;
    if (lacksSubcommand(error) && formatOf(words) === 'table') return EXIT.usage;
    if (io.env['RAMPART_LOG'] === 'debug' && error instanceof Error)
      io.stderr.write(`${error.stack ?? error.message}\n`);
    return reportFailure(error, formatOf(words), io);
  }
}

function createProgram(shell: Shell, io: Io): Command {
  const program = new Command('rampart')
    .description('Zero trust for services anywhere: identity, mutual TLS, policy and a record of every request.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput(outputsOf(io))
    .addHelpText(
      'after',
      examples(
        ['rampart up', 'start a mesh on this machine'],
        ['rampart run --service web -- node app.js', 'start a service in it'],
        ['rampart apply -f policies.yaml', 'say who may call whom'],
        ['rampart logs -f', 'watch every request'],
      ),
    );
  addGlobalOptions(program);
  for (const define of [
    defineUp,
    defineRun,
    defineAgent,
    defineSvid,
    defineDiff,
    defineApply,
    defineHistory,
    defineGet,
    defineDelete,
    defineRegistry,
    defineAuthz,
    defineAnalyze,
    defineTlsCheck,
    defineCa,
    defineLogs,
    defineToken,
  ])
    define(program, shell);
  defineCerts(program, shell);
  defineRevoke(program, shell);
  defineAcl(program, shell);
  for (const define of [
    defineJwt,
    defineFederation,
    defineApiToken,
    defineAudit,
    defineBackup,
    defineRestore,
    defineStatus,
    defineVersion,
  ])
    define(program, shell);
  return program;
}

function defineCerts(program: Command, shell: Shell): void {
  const certs = program.command('certs').description('the certificates of the mesh: list, show, prove and revoke');
  defineCertsList(certs, shell);
  defineCertsShow(certs, shell);
  defineCertsHistory(certs, shell);
  defineCertsVerify(certs, shell);
  defineCertsProof(certs, shell);
  defineCertsRevoke(certs, shell);
}

const PLAIN_WIDTH = 100;

function widthOf(stream: OutputStream): number {
  return stream.columns ?? PLAIN_WIDTH;
}

function outputsOf(io: Io): OutputConfiguration {
  return {
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    // Errors are printed once, by `reportFailure`.
    outputError: () => undefined,
    getOutHelpWidth: () => widthOf(io.stdout),
    getErrHelpWidth: () => widthOf(io.stderr),
    getOutHasColors: () => wantsColour(io.stdout, io.env),
    getErrHasColors: () => wantsColour(io.stderr, io.env),
  };
}

// Help and version end commander's parsing as an "error" of exit code 0.
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** A group such as `rampart token` was named alone; its help has been printed by then. */
function lacksSubcommand(error: unknown): boolean {
  return error instanceof CommanderError && error.code === 'commander.help';
}

/** The form asked for on a command line that may not even parse. */
function formatOf(words: readonly string[]): OutputFormat {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  for (const [index, word] of own.entries()) {
    const value =
      /^(?:--output=|-o=?)(.+)$/.exec(word)?.[1] ?? (word === '-o' || word === '--output' ? own[index + 1] : undefined);
    const format = OUTPUT_FORMATS.find((known) => known === value);
    if (format !== undefined) return format;
  }
  return 'table';
}
