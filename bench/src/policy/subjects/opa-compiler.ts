import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Absent } from '../../harness/absent.ts';

const VERSION = 'v1.4.2';
const CACHE = fileURLToPath(new URL('../../../../.build/bench/opa', import.meta.url));
const PATIENCE_MS = 10_000;

/** The program `opa`: that of the machine, else downloaded once. */
export async function findCompiler(): Promise<string | Absent> {
  if (spawnSync('opa', ['version']).status === 0) return 'opa';
  const program = join(CACHE, VERSION, 'opa');
  if (existsSync(program)) return program;
  const url = `https://openpolicyagent.org/downloads/${VERSION}/opa_${platform()}_${architecture()}_static`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok) return { absent: `no opa on this machine, and ${url} answers ${response.status}` };
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, new Uint8Array(await response.arrayBuffer()));
    chmodSync(program, 0o755);
    return program;
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    return { absent: `no opa on this machine, and ${url} cannot be read: ${reason}` };
  }
}

function architecture(): string {
  return arch() === 'x64' ? 'amd64' : arch();
}
