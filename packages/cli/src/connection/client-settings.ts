import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Io } from '../io.ts';

/** What the user said on the command line about the control plane. */
export interface ConnectionOptions {
  readonly address?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
  readonly data?: string;
}

/** Where the control plane is, and the files that prove both sides. Paths are absolute. */
export interface ClientSettings {
  /** "https://127.0.0.1:8443". */
  readonly address: string;
  readonly caFile: string;
  readonly tokenFile: string;
  /** SPIFFE ID that signs answers about what is registered. */
  readonly registry: string | undefined;
  /**
   * The CA of its mesh, where the control plane wrote it down: --ca says who may be at the other end of the line, which a
   * proxy that ends TLS may, and that proxy must not vouch for the registry too.
   */
  readonly registryCaFile: string | undefined;
}

const CLIENT_FILE = 'client.json';
const DATA_FOLDER = '.rampart';
const HOW_TO_START = 'start one with "rampart up", or say where it is with --address, --ca and --token-file';

/**
 * Finds the control plane: options first, then `client.json` in --data, in RAMPART_HOME, or in the nearest `.rampart`
 * from the working directory upwards. Throws CONTROL_PLANE_UNREACHABLE when nothing says where it is.
 */
export async function findClientSettings(options: ConnectionOptions, io: Io): Promise<ClientSettings> {
  const found = needsFile(options) ? await findClientFile(options, io) : undefined;
  const address = options.address ?? found?.address;
  const caFile = options.ca === undefined ? found?.caFile : resolve(io.workingDirectory, options.ca);
  const tokenFile =
    options.tokenFile === undefined ? found?.tokenFile : resolve(io.workingDirectory, options.tokenFile);
  if (address === undefined || caFile === undefined || tokenFile === undefined) throw nothingFound(options, io);
  const { registry, registryCaFile } = found ?? {};
  return { address: requireHttps(address), caFile, tokenFile, registry, registryCaFile };
}

/** A directory that was named says whose answers are believed, even where the options say all else. */
function needsFile(options: ConnectionOptions): boolean {
  const { address, ca, tokenFile, data } = options;
  return address === undefined || ca === undefined || tokenFile === undefined || data !== undefined;
}

function nothingFound(options: ConnectionOptions, io: Io): RampartError {
  const home = io.env['RAMPART_HOME'];
  const where = options.data ?? (home === undefined || home === '' ? undefined : home);
  const place =
    where === undefined
      ? `no ${DATA_FOLDER}/${CLIENT_FILE} in ${io.workingDirectory} or above it`
      : `no ${CLIENT_FILE} in ${resolve(io.workingDirectory, where)}`;
  return new RampartError('CONTROL_PLANE_UNREACHABLE', `no control plane known: ${place}; ${HOW_TO_START}`);
}

// The administrator's token goes to this address, so it never travels without TLS.
function requireHttps(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'https:' && url.username === '' && url.pathname === '/') return url.origin;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `address ${JSON.stringify(address)} is not one of a control plane; write https://HOST:PORT, such as https://127.0.0.1:8443`,
  );
}

async function findClientFile(options: ConnectionOptions, io: Io): Promise<ClientSettings | undefined> {
  for (const directory of candidateDirectories(options, io)) {
    const settings = await readClientFile(directory, io);
    if (settings !== undefined) return settings;
  }
  return undefined;
}

/** Where a data directory may be: --data, else RAMPART_HOME, else each `.rampart` from the working directory upwards. */
export function candidateDirectories(options: ConnectionOptions, io: Io): string[] {
  if (options.data !== undefined) return [resolve(io.workingDirectory, options.data)];
  const home = io.env['RAMPART_HOME'];
  if (home !== undefined && home !== '') return [resolve(io.workingDirectory, home)];
  const directories: string[] = [];
  for (let at = io.workingDirectory; ; at = dirname(at)) {
    directories.push(join(at, DATA_FOLDER));
    if (dirname(at) === at) return directories;
  }
}

async function readClientFile(directory: string, io: Io): Promise<ClientSettings | undefined> {
  const file = join(directory, CLIENT_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new RampartError(
      'CONTROL_PLANE_UNREACHABLE',
      `cannot read ${file}; check its owner and mode, or pass --address, --ca and --token-file`,
      { cause: error },
    );
  }
  await refuseStrangersFile(file, io);
  return parseClientFile(text, directory);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

// Found by walking upwards, the file could be planted by another user (in /tmp, say) to collect tokens.
async function refuseStrangersFile(file: string, io: Io): Promise<void> {
  if (io.userId === undefined) return;
  const { uid } = await stat(file);
  if (uid === io.userId || uid === 0) return;
  throw new RampartError(
    'CONTROL_PLANE_UNREACHABLE',
    `${file} belongs to another user and is not trusted; pass --address, --ca and --token-file if you mean it`,
  );
}

function parseClientFile(text: string, directory: string): ClientSettings {
  const file = join(directory, CLIENT_FILE);
  const fields = asRecord(text);
  const { address, ca, token, registry } = fields ?? {};
  if (typeof address !== 'string' || typeof ca !== 'string' || typeof token !== 'string') {
    throw new RampartError(
      'CONTROL_PLANE_UNREACHABLE',
      `${file} is not one that "rampart up" wrote (address, ca and token as text); start "rampart up" again or remove it`,
    );
  }
  const caFile = inside(directory, ca);
  return {
    address,
    caFile,
    registryCaFile: caFile,
    tokenFile: inside(directory, token),
    registry: typeof registry === 'string' ? registry : undefined,
  };
}

function asRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

// A client file may only point to its neighbours: otherwise it could have another directory's token sent to its address.
function inside(directory: string, name: string): string {
  const path = resolve(directory, name);
  const way = relative(directory, path);
  if (way !== '' && !way.startsWith('..') && !isAbsolute(way)) return path;
  throw new RampartError(
    'CONTROL_PLANE_UNREACHABLE',
    `${join(directory, CLIENT_FILE)} points outside its own directory and is not trusted; start "rampart up" again or remove it`,
  );
}
