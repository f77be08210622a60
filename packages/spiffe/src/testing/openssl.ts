import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The `openssl` command as an outside judge: a fresh folder, files put into it, commands run in it. */
export interface OpensslBench {
  /** Writes a file and gives its path. */
  put(name: string, content: string | Uint8Array): string;
  /** Runs `openssl` and gives what it printed; throws when it fails. */
  run(...args: readonly string[]): string;
  close(): void;
}

/** Whether there is an `openssl` command here; tests that need it say that they were skipped otherwise. */
export function hasOpenssl(): boolean {
  return spawnSync('openssl', ['version']).status === 0;
}

export function openBench(): OpensslBench {
  const folder = mkdtempSync(join(tmpdir(), 'rampart-openssl-'));
  return {
    put: (name, content) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    run: (...args) =>
      execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    close: () => rmSync(folder, { recursive: true }),
  };
}
