import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.ts';
import { repositoryRoot } from '../repository.ts';
import { RunningProgram } from '../running-program.ts';
import { publishedPackages } from './package.ts';

/** Uses the installed packages in `folder` in one way. Returns what went wrong; undefined when nothing did. */
export type Trial = (folder: string) => Promise<string | undefined>;

export const tryVersion: Trial = async (folder) => {
  const expected = publishedPackages().find(({ programs }) => 'rampart' in programs)?.manifest.version;
  const { code, stdout, stderr } = await runCommand(rampart(folder), ['--version'], { cwd: folder });
  if (code !== 0) return `exited with ${code}: ${stderr.trim()}`;
  return stdout.trim() === expected ? undefined : `printed "${stdout.trim()}", not ${expected}`;
};

export const tryDeclarations: Trial = async (folder) => {
  const entries = publishedPackages().flatMap(({ manifest, entries: subpaths }) =>
    Object.keys(subpaths).map((subpath) => manifest.name + subpath.slice(1)),
  );
  const lines = entries.map(
    (entry, index) => `import type * as entry${index} from '${entry}';\nexport type { entry${index} };`,
  );
  writeFileSync(join(folder, 'consumer.ts'), `${lines.join('\n')}\n`);
  const types = join(repositoryRoot, 'node_modules', '@types');
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    '--typeRoots',
    types,
  ];
  const { code, stdout } = await runCommand('tsc', ['--ignoreConfig', ...options, 'consumer.ts'], { cwd: folder });
  return code === 0 ? undefined : stdout.trim();
};

const service = `
import { createServer } from 'node:http';
const server = createServer((request, response) => response.end('hello from ' + request.url));
server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port));
process.once('SIGTERM', () => server.close());
`;

export const tryAlone: Trial = async (folder) => {
  writeFileSync(join(folder, 'service.js'), service);
  const program = new RunningProgram(process.execPath, ['--import', '@rampart/node/register', 'service.js'], {
    cwd: folder,
  });
  try {
    const port = await program.prints(/listening on (\d+)/);
    if (port === undefined) return `did not start:\n${program.output}`;
    const hints = program.output.split('\n').filter((line) => line.includes('RAMPART_CONTROL_PLANE'));
    if (hints.length !== 1) return `${hints.length} lines say how to configure it, not 1:\n${program.output}`;
    const answer = await fetch(`http://127.0.0.1:${port}/x`).then(
      (response) => response.status,
      () => 0,
    );
    return answer === 200 ? 'it served a plaintext caller although it knows no policy' : undefined;
  } finally {
    await program.stop();
  }
};

const client = `
const answer = await fetch('http://greeter/through-the-mesh');
console.log(answer.status + ' ' + (await answer.text()));
`;

export const tryInMesh: Trial = async (folder) => {
  writeFileSync(join(folder, 'service.js'), service);
  writeFileSync(join(folder, 'client.js'), client);
  const mesh = ['--data', join(folder, 'mesh')];
  const up = new RunningProgram(rampart(folder), ['up', ...mesh, '--port', '0', '--metrics-port', '0'], {
    cwd: folder,
  });
  const started = [up];
  try {
    const address = await up.prints(/https:\/\/127\.0\.0\.1:\d+/);
    if (address === undefined) return `rampart up did not start:\n${up.output}`;
    const run = ['run', ...mesh, '--service', 'greeter', '--service-account', 'greeter', '--', 'node', 'service.js'];
    const greeter = new RunningProgram(rampart(folder), run, { cwd: folder });
    started.push(greeter);
    const listening = await greeter.prints(/listening on \d+/);
    if (listening === undefined) return `the service did not start:\n${greeter.output}`;
    const call = ['run', ...mesh, '--service-account', 'visitor', '--', 'node', 'client.js'];
    const { stdout, stderr } = await runCommand(rampart(folder), call, { cwd: folder });
    if (!stdout.includes('200 hello from /through-the-mesh')) return `the client printed:\n${stdout}${stderr}`;
    return await callerInLog(folder, mesh);
  } finally {
    for (const program of started.toReversed()) await program.stop();
  }
};

function rampart(folder: string): string {
  return join(folder, 'node_modules', '.bin', 'rampart');
}

const LOG_ATTEMPTS = 20;

/** Records arrive in batches, a moment after the request: asked again until they do. */
async function callerInLog(folder: string, mesh: readonly string[]): Promise<string | undefined> {
  let seen = '';
  for (let attempt = 0; attempt < LOG_ATTEMPTS; attempt += 1) {
    const logs = await runCommand(rampart(folder), ['logs', ...mesh, '--output', 'json'], { cwd: folder });
    if (logs.stdout.includes('/sa/visitor')) return undefined;
    seen = logs.stdout + logs.stderr;
  }
  return `the access log does not name the caller:\n${seen}`;
}
