import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable } from './find-executable.ts';
import type { ForeignProgram } from './foreign-program.ts';

const CONFIGURATION = 'nginx.conf';
/** Nothing of the system's is written to, not even while the configuration is read. */
const NO_LOG_FILE = ['-e', 'stderr'];

/** nginx 1.19.5 or newer with the configuration and the files of a folder. It reads no environment: the port is written into a copy. */
export function nginxProgram(source: URL, usualPort: number): ForeignProgram {
  return {
    needs: 'nginx',
    find: async (world) => {
      const found = await findExecutable('nginx', [...NO_LOG_FILE, '-v'], world);
      if (found === undefined) return undefined;
      return {
        prepare: async ({ port, folder }) => {
          await cp(source, folder, { recursive: true });
          const file = join(folder, CONFIGURATION);
          const text = await readFile(file, 'utf8');
          await writeFile(file, text.replace(`listen 127.0.0.1:${usualPort};`, `listen 127.0.0.1:${port};`));
          return { words: [found.path, ...NO_LOG_FILE, '-p', `${folder}/`, '-c', CONFIGURATION], environment: {} };
        },
      };
    },
  };
}
