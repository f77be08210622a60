import { type Authority, httpsCa, type Upstream } from '@rampart/authority';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError, type TrustDomain } from '@rampart/core';
import { readPrivateFile } from '@rampart/keyring';
import { fromPem, toPem } from '@rampart/spiffe';
import { writeFileAtomically } from '../directory/atomic-file.ts';
import { openOfflineRoot } from '../offline-root/offline-root.ts';

/** Who signs the intermediates. */
export type UpstreamOptions =
  /** A root of its own, whose key is with the others. */
  | { readonly kind: 'own' }
  /** A root in a directory that `rampart ca init --offline` made; it is read at the start only. */
  | { readonly kind: 'root'; readonly directory: string; readonly passphrase: string }
  | ExternalCaOptions
  /** Somebody who signs requests with a root that is not here. */
  | { readonly kind: 'by-hand' };

/** A CA behind HTTPS. */
export interface ExternalCaOptions {
  readonly kind: 'external';
  readonly url: string;
  /** PEM: the only roots that its own TLS certificate may come from. */
  readonly tlsRoots: string;
  /** PEM: the only roots that its chains may end in. */
  readonly roots: string;
  /** Holds a bearer token, mode 0600; read again for each request. */
  readonly tokenFile?: string;
}

/** @throws RampartError NOT_FOUND, KEY_UNREADABLE, INVALID_CERTIFICATE, INVALID_ARGUMENT. */
export async function openUpstream(options: UpstreamOptions, trustDomain: TrustDomain): Promise<Upstream> {
  if (options.kind === 'external') return { kind: 'external', ca: externalCa(options) };
  if (options.kind !== 'root') return { kind: options.kind };
  const root = await openOfflineRoot(options.directory, options.passphrase);
  if (root.trustDomain.equals(trustDomain)) return { kind: 'root', root };
  throw new RampartError(
    'INVALID_ARGUMENT',
    `the root in ${options.directory} is of trust domain ${root.trustDomain.name}, not ${trustDomain.name}; name another one, or start with --trust-domain ${root.trustDomain.name}`,
  );
}

function externalCa({ url, tlsRoots, roots, tokenFile }: ExternalCaOptions): ReturnType<typeof httpsCa> {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:' || parsed.username !== '' || parsed.password !== '') {
    throw new RampartError('INVALID_ARGUMENT', 'the URL of an external CA is https://…, without a user');
  }
  const anchors = fromPem(roots);
  if (anchors.length === 0) {
    throw new RampartError('INVALID_ARGUMENT', 'no root is named in which the chains of the external CA may end');
  }
  return httpsCa({ url: parsed, tlsRoots, roots: anchors, token: async () => tokenOf(tokenFile) });
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const bytes = await readPrivateFile(file);
  const token = bytes === undefined ? '' : new TextDecoder().decode(bytes).trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new RampartError('KEY_UNREADABLE', `${file} holds no token for the external CA; write one there, mode 0600`);
}

const BY = { name: 'start', sourceIp: '' };

/**
 * What makes a first start possible where a root that is not here signs: the request is written to `ca-request.csr` in the data
 * directory, and at the next start `ca-chain.pem` beside it is installed.
 * @throws RampartError IDENTITY_NOT_READY that says what to do, INVALID_CERTIFICATE for a chain that does not fit.
 */
export async function exchangeByHand(authority: Authority, directory: string): Promise<void> {
  const { hierarchy } = authority;
  if (hierarchy.describe().some(({ kind, state }) => kind === 'intermediate' && state === 'active')) return;
  const [requestFile, chainFile] = [join(directory, 'ca-request.csr'), join(directory, 'ca-chain.pem')];
  const chain = await readIfThere(chainFile);
  if (chain === undefined) {
    const csr = await hierarchy.request(false, BY);
    await writeFileAtomically(requestFile, { text: toPem(csr, 'CERTIFICATE REQUEST'), mode: 0o644 });
    throw new RampartError(
      'IDENTITY_NOT_READY',
      `no intermediate is there yet: have ${requestFile} signed (rampart ca sign --root DIR ${requestFile} --out ${chainFile}), put the chain in ${chainFile}, and start again`,
    );
  }
  const { serial } = await hierarchy.install(fromPem(chain), BY);
  await hierarchy.activate({ kind: 'intermediate', serial, now: true }, BY);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new RampartError('DATA_DIRECTORY_UNREADABLE', `${file} cannot be read; check its owner and mode`, { cause });
  }
}
