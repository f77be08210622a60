import tls from 'node:tls';
import type { PeerCertificate, TLSSocket } from 'node:tls';

import { RampartError } from '@rampart/core';
import { checkWorkloadProfile, parseCertificate, toPem } from '@rampart/spiffe';
import type { RevocableCertificate } from '@rampart/spiffe';

import type { Svid } from '../identity/svid.ts';
import { Channel } from './connect/channel.ts';

// Taken once, at load: an in-process data plane hooks `tls.connect`, and its own connections must not go through the hook.
const { connect: connectTls } = tls;

/** Service account of the control plane in the root namespace; no join token is ever issued for it. */
const CONTROL_PLANE_SERVICE_ACCOUNT = 'rampart-server';

export interface ControlPlaneAddress {
  readonly url: URL;
  /** DER roots that the control plane's certificate must chain to. */
  readonly roots: readonly Uint8Array[];
  readonly rootNamespace: string;
  /** Why the certificate that it shows is revoked, as far as is known here; undefined when it is not. */
  readonly revocationOf?: (certificate: RevocableCertificate) => string | undefined;
}

/**
 * The way to the control plane. Its certificate must be an SVID of the control plane itself:
 * any other workload of the mesh has a certificate of the same root and must not pass for it.
 */
export function openChannel(address: ControlPlaneAddress, svid: Svid | undefined): Channel {
  return new Channel({ origin: address.url.origin, open: () => openConnection(address, svid) });
}

function openConnection(address: ControlPlaneAddress, svid: Svid | undefined): TLSSocket {
  const secret = svid === undefined ? {} : { key: svid.tls.key, cert: svid.tls.cert };
  const socket = connectTls({
    host: bareHost(address.url.hostname),
    port: Number(address.url.port === '' ? 443 : address.url.port),
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.3',
    // What was known at the start of the process may since have been replaced, or revoked.
    ca: svid === undefined ? address.roots.map((der) => toPem(der)) : svid.tls.ca,
    checkServerIdentity: (_host, certificate) => checkControlPlane(certificate, address),
    ...secret,
  });
  socket.unref();
  // An open stream makes its HTTP/2 session take a reference again; the mesh must never keep an application alive.
  socket.ref = () => socket;
  socket.setNoDelay(true);
  return socket;
}

function checkControlPlane({ raw }: PeerCertificate, address: ControlPlaneAddress): Error | undefined {
  const parsed = parseCertificate(raw);
  const profile = parsed.ok ? checkWorkloadProfile(parsed.value) : undefined;
  if (!parsed.ok || profile?.ok !== true) return mismatch('a certificate without a SPIFFE ID');
  const spiffeId = profile.value;
  if (spiffeId.namespace !== address.rootNamespace || spiffeId.serviceAccount !== CONTROL_PLANE_SERVICE_ACCOUNT) {
    return mismatch(spiffeId.toString());
  }
  // Whoever has the key of an authority that was revoked makes certificates of the control plane, too.
  const { serial, notBefore, authorityKeyId } = parsed.value;
  const revocation = address.revocationOf?.({ serial, spiffeId, notBefore, authorityKeyId });
  if (revocation === undefined) return undefined;
  return mismatch(`${spiffeId.toString()} with a certificate that is revoked (${revocation})`);
}

function mismatch(seen: string): RampartError {
  return new RampartError(
    'UPSTREAM_IDENTITY_MISMATCH',
    `the address of the control plane answered as ${seen}; check RAMPART_CONTROL_PLANE`,
  );
}

function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
