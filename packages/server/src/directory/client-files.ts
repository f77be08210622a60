import type { Authority } from '@rampart/authority';
import { SpiffeId } from '@rampart/core';
import { bundleToPem } from '@rampart/spiffe';
import type { AdminTokens } from '../admin/admin-tokens.ts';
import { ensureBootstrapToken } from '../admin/bootstrap-token.ts';
import { SERVER_ACCOUNT } from '../resources/issuability.ts';
import { writeFileAtomically } from './atomic-file.ts';
import type { DataDirectory } from './data-directory.ts';

/** What clients on this machine find the control plane by. */
export interface ClientAccess {
  readonly authority: Pick<Authority, 'bundle'>;
  readonly tokens: AdminTokens;
  readonly rootNamespace: string;
  /** "https://127.0.0.1:8443". */
  readonly api: string;
}

/** The roots of now, for whoever has none yet. */
export function writeCaFile({ caFile }: DataDirectory, authority: Pick<Authority, 'bundle'>): Promise<void> {
  return writeFileAtomically(caFile, { text: bundleToPem(authority.bundle()), mode: 0o644 });
}

/** CA file, admin token and `client.json`. */
export async function writeClientFiles(
  directory: DataDirectory,
  { authority, tokens, rootNamespace, api }: ClientAccess,
): Promise<void> {
  await writeCaFile(directory, authority);
  await ensureBootstrapToken(tokens, directory.adminTokenFile);
  const registry = SpiffeId.forWorkload(authority.bundle().trustDomain, rootNamespace, SERVER_ACCOUNT).toString();
  const client = { address: api, ca: 'ca.pem', token: 'admin.token', registry };
  await writeFileAtomically(directory.clientFile, { text: `${JSON.stringify(client, undefined, 2)}\n`, mode: 0o644 });
}
