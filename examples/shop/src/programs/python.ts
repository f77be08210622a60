import { fileURLToPath } from 'node:url';
import { findExecutable } from './find-executable.ts';
import type { ForeignProgram } from './foreign-program.ts';

/** Loads what the service loads; the interpreter may be behind a wrapper that chooses one. */
const TRIAL = ['-c', 'import sys, http.server; http.server.ThreadingHTTPServer; print(sys.executable)'];

/** A file for Python 3.7 or newer, and nothing that is not in its standard library. */
export function pythonProgram(file: URL): ForeignProgram {
  return {
    needs: 'python3',
    find: async (world) => {
      const found = await findExecutable('python3', TRIAL, world);
      if (found === undefined) return undefined;
      const interpreter = found.said === '' ? found.path : found.said;
      return {
        prepare: ({ port }) =>
          Promise.resolve({ words: [interpreter, fileURLToPath(file)], environment: { PORT: String(port) } }),
      };
    },
  };
}
