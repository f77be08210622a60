import { RampartError } from '@rampart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Client } from '@connectrpc/connect';
import type { AdminClient, OperatorService } from './connection/admin-connection.ts';
import { type ClientSettings, type ConnectionOptions, findClientSettings } from './connection/client-settings.ts';
import type { Io } from './io.ts';
import { type Palette, paletteOf, wantsColour } from './render/colour.ts';
import {
  type Answer,
  dataRenderer,
  type DataRenderer,
  OUTPUT_FORMATS,
  type OutputFormat,
  showAnswer,
  SPECIAL_FORMATS,
  type SpecialFormat,
} from './render/output.ts';

/** Options that every command takes, before or after its name. */
export interface GlobalOptions extends ConnectionOptions {
  /** How errors and notes are written, too; a special form leaves those to people. */
  readonly output: OutputFormat;
}

interface GivenOptions extends ConnectionOptions {
  readonly output: OutputFormat | SpecialFormat;
}

/** What one run of a command works with. */
export interface Invocation {
  readonly io: Io;
  readonly globals: GlobalOptions;
  /** Colours for standard output. */
  readonly palette: Palette;
  /** Writes the answer to standard output in the form that was asked for. */
  readonly show: (answer: Answer) => void;
  /** Data as one document in the form that was asked for; JSON where that is no form of data. */
  readonly renderData: DataRenderer;
  /** Writes one line to standard error when a person reads the answer; never mixed into data. */
  readonly note: (line: string) => void;
  /** Where the control plane is; throws CONTROL_PLANE_UNREACHABLE when nothing says so. */
  readonly settings: () => Promise<ClientSettings>;
  /** Calls the control plane; the line is closed when `work` ends. */
  readonly withAdmin: <T>(work: (client: AdminClient) => Promise<T>) => Promise<T>;
  /** The same for one of the other services of operators. */
  readonly withService: <S extends OperatorService, T>(
    service: S,
    work: (client: Client<S>) => Promise<T>,
  ) => Promise<T>;
}

/** Joins commander's commands to the outside world and remembers the exit code of the one that ran. */
export class Shell {
  readonly #io: Io;
  #exitCode = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  get exitCode(): number {
    return this.#exitCode;
  }

  /** Runs the body of a command; what it returns becomes the exit code. `special` lists the forms that it knows beside the common ones. */
  async run(
    command: Command,
    body: (invocation: Invocation) => Promise<number>,
    special: readonly SpecialFormat[] = [],
  ): Promise<void> {
    const options = command.optsWithGlobals<GivenOptions>();
    const known: readonly string[] = [...OUTPUT_FORMATS, ...special];
    if (!known.includes(options.output))
      throw new RampartError('INVALID_ARGUMENT', unknownFormat(options.output, known));
    this.#exitCode = await body(await invocationOf(this.#io, options));
  }
}

function unknownFormat(format: string, known: readonly string[]): string {
  return `--output '${format}' is invalid here. Allowed choices are ${known.join(', ')}.`;
}

async function invocationOf(io: Io, { output, ...connection }: GivenOptions): Promise<Invocation> {
  const common = OUTPUT_FORMATS.find((format) => format === output) ?? 'table';
  const globals: GlobalOptions = { ...connection, output: common };
  const settings = (): Promise<ClientSettings> => findClientSettings(globals, io);
  const renderData = await dataRenderer(output);
  const withService: Invocation['withService'] = async (service, work) => {
    const { callOperators } = await import('./connection/admin-connection.ts');
    return callOperators(service, { ...(await settings()), clock: io.clock }, work);
  };
  return {
    io,
    globals,
    settings,
    palette: paletteOf(wantsColour(io.stdout, io.env)),
    show: (answer) => showAnswer(io.stdout, { format: output, renderData }, answer),
    renderData,
    note: (line) => {
      if (globals.output === 'table') io.stderr.write(`${line}\n`);
    },
    withAdmin: async (work) => withService((await import('@rampart/wire')).AdminService, work),
    withService,
  };
}

/** Declares the global options on the root command. */
export function addGlobalOptions(program: Command): void {
  program
    .addOption(
      new Option(
        '-o, --output <format>',
        `form of the answer: ${OUTPUT_FORMATS.join(', ')}, or one that the command names`,
      )
        .argParser(parseFormat)
        .default('table'),
    )
    .option('--address <url>', 'control plane, such as https://127.0.0.1:8443 (default: from client.json)')
    .option('--ca <file>', 'PEM file of the only CA to trust (default: from client.json)')
    .option('--token-file <file>', 'file that holds the bearer token (default: from client.json)')
    .option(
      '--data <directory>',
      'data directory that holds client.json (default: $RAMPART_HOME, else the nearest .rampart upwards)',
    );
}

function parseFormat(text: string): OutputFormat | SpecialFormat {
  const format = [...OUTPUT_FORMATS, ...SPECIAL_FORMATS].find((known) => known === text);
  if (format === undefined) throw new InvalidArgumentError(`Allowed choices are ${OUTPUT_FORMATS.join(', ')}.`);
  return format;
}

/** The examples at the end of a command's help: what to type, and what for. */
export function examples(...lines: readonly (readonly [command: string, purpose: string])[]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nExamples:\n${lines.map(([command, purpose]) => `  $ ${command.padEnd(width)}   # ${purpose}`).join('\n')}`;
}
