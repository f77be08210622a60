import { relative } from 'node:path';
import type { Io } from '../io.ts';
import type { Palette } from '../render/colour.ts';

/** A mesh that `rampart up` has started. */
export interface StartedMesh {
  readonly version: string;
  /** "https://127.0.0.1:8443". */
  readonly api: string;
  /** "http://127.0.0.1:9090". */
  readonly metrics: string;
  /** Where bundle and keys are served to the web; absent where they are not. */
  readonly web?: string;
  /** "127.0.0.1:8600"; absent without DNS. */
  readonly dns?: string;
  /** "http://127.0.0.1:8500" and "https://127.0.0.1:8501"; absent without Consul's API. */
  readonly consul?: string;
  readonly consulTls?: string;
  readonly trustDomain: string;
  /** Absolute path. */
  readonly dataDirectory: string;
  readonly caFile: string;
}

const HELLO = `node -e "require('node:http').createServer((q, s) => s.end('hello\\n')).listen(3000)"`;
const CALL = `node -e "fetch('http://hello').then(async (r) => console.log(r.status, await r.text()))"`;

/** Where the mesh listens, and what to type next in another terminal. */
export function renderStart(
  mesh: StartedMesh,
  { io, palette }: { readonly io: Io; readonly palette: Palette },
): string {
  const rampart = commandFor(mesh, io);
  const facts = [
    ['API', mesh.api],
    ['Metrics', `${mesh.metrics}/metrics`],
    ...(mesh.web === undefined ? [] : [['Bundle', `${mesh.web}/bundle`]]),
    ...(mesh.dns === undefined ? [] : [['DNS', mesh.dns]]),
    ...(mesh.consul === undefined ? [] : [['Consul API', mesh.consul]]),
    ...(mesh.consulTls === undefined ? [] : [['Consul API', mesh.consulTls]]),
    ['Trust domain', mesh.trustDomain],
    ['Data', mesh.dataDirectory],
  ];
  const steps = [
    ['Start a service inside the mesh:', `${rampart} run --service hello -- ${HELLO}`],
    ['Call it from another one, over mutual TLS:', `${rampart} run --service-account visitor -- ${CALL}`],
    ['Watch every request, and the policy that decides it:', `${rampart} logs -f`],
  ];
  return [
    `${palette.good('●')} ${palette.bold(`Rampart ${mesh.version} is up`)}`,
    '',
    ...facts.map(([name = '', value = '']) => `  ${palette.dim(name.padEnd(14))}${value}`),
    '',
    'Next, in other terminals here:',
    ...steps.flatMap(([purpose = '', command = '']) => ['', `  ${palette.dim(`# ${purpose}`)}`, `  ${command}`]),
    '',
    palette.dim('Ctrl-C stops it.'),
    '',
  ].join('\n');
}

/** How the reader would type `rampart`: the way this one was started, and with --data when the directory would not be found. */
function commandFor({ dataDirectory }: StartedMesh, io: Io): string {
  const program = io.env['npm_command'] === 'exec' ? 'npx rampart' : 'rampart';
  const found = relative(io.workingDirectory, dataDirectory) === '.rampart' || io.env['RAMPART_HOME'] === dataDirectory;
  return found ? program : `${program} --data ${quoted(dataDirectory)}`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
