import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Io } from '../../io.ts';

const LONGEST_TEXT = 1024 * 1024;

/** The text of a file, or of standard input for "-". Throws NOT_FOUND. */
export async function readText(name: string, io: Io): Promise<string> {
  const text = name === '-' ? await io.readStdin() : await readNamed(name, io);
  if (text.length <= LONGEST_TEXT) return text;
  throw new RampartError('INVALID_ARGUMENT', `${name} is larger than 1 MiB; it is no certificate or request`);
}

async function readNamed(name: string, io: Io): Promise<string> {
  try {
    return await readFile(resolve(io.workingDirectory, name), 'utf8');
  } catch (error) {
    throw new RampartError('NOT_FOUND', `${name} cannot be read; check its name and mode`, { cause: error });
  }
}

/** Writes to a new file, or to standard output where none is named. Throws ALREADY_EXISTS. */
export async function writeText(text: string, name: string | undefined, io: Io): Promise<void> {
  if (name === undefined) return io.stdout.write(text);
  try {
    await writeFile(resolve(io.workingDirectory, name), text, { flag: 'wx' });
  } catch (error) {
    throw new RampartError('ALREADY_EXISTS', `${name} cannot be written, or is there already; name another file`, {
      cause: error,
    });
  }
}
