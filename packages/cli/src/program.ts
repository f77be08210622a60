import { Command, CommanderError, type OutputConfiguration } from 'commander';
import { definitionsFor } from './catalogue.ts';
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
  try {
    const program = await createProgram(words, shell, io);
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

async function createProgram(words: readonly string[], shell: Shell, io: Io): Promise<Command> {
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
  for (const define of await definitionsFor(words)) define(program, shell);
  return program;
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
