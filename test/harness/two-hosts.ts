import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

/** Run inside this process's network, or on the other host where there is one: words in front of a command. */
export type Place = readonly string[];

/** Addresses of the two hosts on the cable that carries the mesh, and on the one that carries the control plane. */
export const ADDRESSES = { here: '10.77.0.1', there: '10.77.0.2', control: '10.78.0.1' } as const;

/** Of a program that is not the sidecar's user: nobody. */
const APPLICATION_USER = 65_534;

const IP = '/usr/sbin/ip';
const NFT = '/usr/sbin/nft';
const TC = '/usr/sbin/tc';
const UNSHARE = '/usr/bin/unshare';
const NSENTER = '/usr/bin/nsenter';
const TOOLS = [IP, NFT, TC, UNSHARE, NSENTER];
/** unshare(2). */
const CLONE_NEWNET = 0x40_00_00_00;

/** Why there can be no second host here; false where there can. */
export function noHosts(...programs: readonly string[]): string | false {
  const missing = [...TOOLS, ...programs].filter((tool) => !existsSync(tool));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux, for networks of its own';
  const table = 'table inet probe {\nchain c {\ntype nat hook output priority -100;\n}\n}\n';
  const probe = spawnSync(UNSHARE, ['-n', NFT, '-f', '-'], { input: table });
  return probe.status === 0 ? false : 'the kernel has no network namespaces, or no nftables, for this process';
}

/**
 * Two hosts, joined by a cable for the mesh and another one for the control plane; no packet leaves them. This process is
 * on one of them from then on, and what it starts.
 */
export class TwoHosts {
  readonly #other: ChildProcess;

  private constructor(other: ChildProcess) {
    this.#other = other;
  }

  static async join(): Promise<TwoHosts> {
    await leaveNetwork();
    const other = spawn(UNSHARE, ['-n', 'sh', '-c', 'echo there; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(other.stdout, 'data');
    const hosts = new TwoHosts(other);
    const pid = String(other.pid);
    const here = [
      'link set lo up',
      `link add mesh type veth peer name mesh netns ${pid}`,
      `link add control type veth peer name control netns ${pid}`,
      `addr add ${ADDRESSES.here}/24 dev mesh`,
      `addr add ${ADDRESSES.control}/24 dev control`,
      'link set mesh up',
      'link set control up',
      `route add default via ${ADDRESSES.there}`,
    ];
    const there = [
      'link set lo up',
      `addr add ${ADDRESSES.there}/24 dev mesh`,
      'addr add 10.78.0.2/24 dev control',
      'link set mesh up',
      'link set control up',
    ];
    for (const line of here) execFileSync(IP, line.split(' '));
    for (const line of there) hosts.onThere(IP, ...line.split(' '));
    return hosts;
  }

  /** In front of a command that is to run on the other host. */
  get there(): Place {
    return [NSENTER, '-t', String(this.#other.pid), '-n'];
  }

  onThere(...words: readonly string[]): void {
    const [file = '', ...args] = [...this.there, ...words];
    execFileSync(file, args);
  }

  /** From now on so many of a hundred packets are lost on the cable of the mesh, in each direction; 100 cuts it. */
  lose(percent: number): void {
    const some = percent < 100 ? `numgen random mod 100 < ${percent} ` : '';
    const chain = `chain lossy {\ntype filter hook output priority 0;\noifname "mesh" ${some}counter drop\n}`;
    this.#filter(`table inet cable {\n${chain}\n}\n`);
  }

  /** Packets of this host that were lost since. */
  get lost(): number {
    const rules = execFileSync(NFT, ['list', 'table', 'inet', 'cable'], { encoding: 'utf8' });
    return Number(/counter packets (\d+)/.exec(rules)?.[1] ?? 0);
  }

  /**
   * From now on the cable of the mesh carries so many kbit/s in each direction, and holds up to 400 ms of them: what is under load is late
   * by that, in place of the delay of netem, which not every kernel has.
   */
  slow(kilobits: number): void {
    this.#shape('replace', 'tbf', 'rate', `${kilobits}kbit`, 'burst', '8kb', 'latency', '400ms');
  }

  /** The cable is as it was, of one that was slow. */
  mend(): void {
    this.#filter('');
    this.#shape('del');
  }

  close(): void {
    this.#other.kill();
  }

  /** Adding a table that is there changes nothing, and what is there can be deleted. */
  #filter(table: string): void {
    const rules = `table inet cable\ndelete table inet cable\n${table}`;
    applyRules(rules);
    execFileSync(NSENTER, [...this.there.slice(1), NFT, '-f', '-'], { input: rules });
  }

  #shape(what: string, ...how: readonly string[]): void {
    const words = ['qdisc', what, 'dev', 'mesh', 'root', ...how];
    execFileSync(TC, words);
    this.onThere(TC, ...words);
  }
}

export function applyRules(rules: string): void {
  execFileSync(NFT, ['-f', '-'], { input: rules });
}

export interface Heard {
  readonly code: number;
  readonly stdout: string;
}

/** Runs a program of a user who is not the sidecar's, which knows nothing of any sidecar. */
export function runAsApplication(...[file = '', ...args]: readonly string[]): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  const child = execFile(file, args, { uid: APPLICATION_USER, cwd: '/', env: {} }, (error, stdout) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout }),
  );
  child.stdin?.end();
  return promise;
}

/** Of this thread, on which Node opens every socket, and of the processes that it starts. */
async function leaveNetwork(): Promise<void> {
  const { default: koffi } = await import('koffi');
  const unshare = koffi.load(null).func('int unshare(int flags)') as (flags: number) => number;
  if (unshare(CLONE_NEWNET) !== 0) throw new Error('this process cannot have a network of its own');
}
