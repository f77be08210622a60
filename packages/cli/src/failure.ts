import { RampartError } from '@rampart/core';
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf } from './exit-code.ts';
import type { Io } from './io.ts';
import { paletteOf, wantsColour } from './render/colour.ts';
import { dataRenderer, type OutputFormat } from './render/output.ts';
import { printable } from './render/text.ts';

/** An error in the form that is printed: one line, and the fields of `--output json`. */
interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: number;
}

/** Prints what ended a command as one line on standard error, or as `{"error":{"code","message"}}` on standard output, and gives its exit code. */
export async function reportFailure(error: unknown, format: OutputFormat, io: Io): Promise<number> {
  const failure = failureOf(error);
  if (format === 'table') {
    io.stderr.write(`${paletteOf(wantsColour(io.stderr, io.env)).bad('error:')} ${printable(failure.message)}\n`);
  } else {
    const renderData = await dataRenderer(format);
    io.stdout.write(renderData({ error: { code: failure.code, message: failure.message } }));
  }
  return failure.exitCode;
}

function failureOf(error: unknown): Failure {
  if (error instanceof RampartError)
    return { code: error.code, message: error.message, exitCode: exitCodeOf(error.code) };
  if (error instanceof CommanderError && error.code === 'commander.help') {
    return { code: 'INVALID_ARGUMENT', message: 'a sub-command is missing; --help lists them', exitCode: EXIT.usage };
  }
  if (error instanceof CommanderError) {
    const message = oneLine(error.message);
    const advice = isWithoutAdvice(error.code, message) ? `${message}; --help shows what the command takes` : message;
    return { code: 'INVALID_ARGUMENT', message: advice, exitCode: EXIT.usage };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && OF_THE_DISK.has(String(error.code))) {
    const advice = `${oneLine(message)}; make room on the disk, or mend it, and try again`;
    return { code: 'STORAGE_FAILED', message: advice, exitCode: EXIT.unavailable };
  }
  return {
    code: 'INTERNAL',
    message: `BUG: ${message}; run it again with RAMPART_LOG=debug for the stack and report it`,
    exitCode: EXIT.unavailable,
  };
}

/** What no file can be written for, wherever it is. */
const OF_THE_DISK: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/** Mistakes that commander names without a way out. */
const INCOMPLETE: ReadonlySet<string> = new Set([
  'commander.missingMandatoryOptionValue',
  'commander.missingArgument',
  'commander.optionMissingArgument',
  'commander.excessArguments',
  'commander.unknownOption',
  'commander.unknownCommand',
]);

function isWithoutAdvice(code: string, message: string): boolean {
  return INCOMPLETE.has(code) && !message.includes('(Did you mean ');
}

// commander writes "error: unknown command 'aply'\n(Did you mean apply?)".
function oneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
}
