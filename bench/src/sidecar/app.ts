import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, listening } from '../harness/ports.ts';

export const NGINX = { program: 'nginx', debianPackage: 'nginx-light' } as const;
const ANSWER_BYTES = 1024;

export interface App {
  readonly port: number;
  stop(): Promise<void>;
}

/** nginx with one worker that answers 1 KB from memory, whatever it is asked. */
export async function startApp(directory: string): Promise<App> {
  const port = await freePort();
  const file = join(directory, 'app.conf');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; error_log /dev/null; pid ${directory}/app.pid;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_max_body_size 1m;
  server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "${'x'.repeat(ANSWER_BYTES)}"; } } }
`,
  );
  const nginx = spawn(NGINX.program, ['-c', file, '-p', directory, '-e', '/dev/null'], { stdio: 'ignore' });
  await listening(port);
  return {
    port,
    stop: async () => {
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
    },
  };
}
