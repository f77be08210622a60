import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import type { CapturedConnection, Destination } from '../captured-connection.ts';
import { captureRemoval, captureRules } from './nftables.ts';
import { loadOriginalDestination } from './original-destination.ts';
import { RedirectEntrance } from './redirect-entrance.ts';

/** What happened in a network of its own, from which no packet leaves. */
export interface Observed {
  /** Where applications were going to, as the capture port was told, in the order of `attempts`. */
  readonly captured: readonly Destination[];
  readonly refused: readonly string[];
  /** What a program heard from there, by where it was going to. */
  readonly heard: Readonly<Record<string, string>>;
  /** From another program of the host. */
  readonly within: string;
  readonly atCapturePort: string;
  readonly meshPort: number;
  /** The rules as the system shows them, and after their removal. */
  readonly listed: string;
  readonly removed: string;
}

const CURL = '/usr/bin/curl';
const APPLICATION_USER = 65_534;
const NFT = '/usr/sbin/nft';
const IP = '/usr/sbin/ip';

/** Run inside a new network namespace, as a process with an IPC channel: sets the network up, and tells what it has seen. */
async function observe(): Promise<Observed> {
  const other = await otherHost();
  joinBy(other);
  const captured: Destination[] = [];
  const refused: string[] = [];
  const { port, meshPort } = await startSidecar(captured, refused);
  const within = await listen('0.0.0.0', 0, (socket) => socket.end('itself'));
  const rules = captureRules({
    exemptUsers: [0],
    exemptMarks: [82],
    outbound: { port, exceptPorts: [9], except: ['192.0.2.0/24', '2001:db8:1::/48'] },
    inbound: { port: meshPort, ports: [8080] },
    dnsPort: 15_053,
  });
  // Twice: what is there is replaced.
  for (const text of [rules, rules]) apply(text);
  const listed = execFileSync(NFT, ['list', 'ruleset'], { encoding: 'utf8' });
  const itself = `10.77.0.1:${portOf(within)}`;
  const own = { uid: APPLICATION_USER };
  const heard = await hearAll({
    '203.0.113.5:5432': own,
    '[2001:db8::7]:443': own,
    '192.0.2.1:80': own,
    '203.0.113.5:9': own,
    [itself]: own,
    '203.0.113.6:80': { uid: 0 },
    [`127.0.0.1:${port}`]: own,
    '10.77.0.1:8080': { uid: 0, on: other.pid },
    [`10.77.0.1:${meshPort}`]: { uid: 0, on: other.pid },
  });
  for (const text of [captureRemoval(), captureRemoval()]) apply(text);
  const removed = execFileSync(NFT, ['list', 'ruleset'], { encoding: 'utf8' });
  const atCapturePort = heard[`127.0.0.1:${port}`] ?? '';
  return { captured, refused, heard, meshPort, within: heard[itself] ?? '', atCapturePort, listed, removed };
}

/** A cable to the other host, which is also the way to everywhere else. */
function joinBy(other: OtherHost): void {
  for (const line of [
    'link set lo up',
    `link add here type veth peer name there netns ${other.pid}`,
    'addr add 10.77.0.1/24 dev here',
    'addr add fd77::1/64 dev here nodad',
    'link set here up',
    'route add default via 10.77.0.2',
    '-6 route add default via fd77::2',
  ]) {
    execFileSync(IP, line.split(' '));
  }
  for (const line of ['addr add 10.77.0.2/24 dev there', 'link set there up']) other.run(IP, line.split(' '));
}

/** Its capture port, and its port for the mesh. */
async function startSidecar(
  captured: Destination[],
  refused: string[],
): Promise<{ readonly port: number; readonly meshPort: number }> {
  const originalDestination = await loadOriginalDestination();
  const entrance = new RedirectEntrance({
    door: { connected: (connection) => answer(connection, captured) },
    originalDestination,
    refused: (reason) => refused.push(reason),
  });
  const port = portOf(await listen('127.0.0.1', 0, (socket) => entrance.enter(socket)));
  await listen('::1', port, (socket) => entrance.enter(socket));
  const mesh = await listen('0.0.0.0', 0, (socket) => {
    const found = originalDestination(socket);
    socket.end(found.ok ? `the mesh, for ${found.value.host} ${found.value.port}` : found.problem);
  });
  return { port, meshPort: portOf(mesh) };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function answer({ stream, destination, accept }: CapturedConnection, captured: Destination[]): void {
  captured.push(destination);
  accept();
  stream.receive({ data: () => {}, end: () => {}, drain: () => {}, close: () => {} });
  stream.write(Buffer.from(`you wanted ${destination.host} ${destination.port}`));
  stream.end();
}

async function listen(host: string, port: number, serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen({ host, port, ipv6Only: host.includes(':') });
  await once(server, 'listening');
  return server;
}

function apply(text: string): void {
  execFileSync(NFT, ['-f', '-'], { input: text });
}

/** Whose program it is, and of which host: that of a process; of this one where absent. */
interface Program {
  readonly uid: number;
  readonly on?: number;
}

async function hearAll(programs: Readonly<Record<string, Program>>): Promise<Record<string, string>> {
  const heard = Object.entries(programs).map(async ([where, program]) => [where, await hear(where, program)] as const);
  return Object.fromEntries(await Promise.all(heard));
}

/** What a program hears when it connects; "" where nobody answers. Programs that know nothing of any sidecar. */
function hear(where: string, { uid, on }: Program): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const curl = [CURL, '--silent', '--max-time', '1', '--no-buffer', `telnet://${where}`];
  const [file = '', ...args] = on === undefined ? curl : ['/usr/bin/nsenter', '-t', String(on), '-n', ...curl];
  const child = execFile(file, args, { uid, cwd: '/', env: {} }, (_error, stdout) => resolve(stdout));
  child.stdin?.end();
  return promise;
}

interface OtherHost {
  /** Of a process there. */
  readonly pid: number;
  run(program: string, args: readonly string[]): void;
}

/** Another host at the other end of a cable: a namespace of its own, as long as this process lives. */
async function otherHost(): Promise<OtherHost> {
  const child = spawn('/usr/bin/unshare', ['-n', 'sh', '-c', 'echo there; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const run = (program: string, args: readonly string[]): void => {
    execFileSync('/usr/bin/nsenter', ['-t', String(pid), '-n', program, ...args]);
  };
  return { pid, run };
}

const observed = await observe();
process.send?.(observed, () => process.exit());
