import { RampartError } from '@rampart/core';
import type { Signer } from '@rampart/keyring';
import { checkAuthorityProfile, parseCertificate, verifyAuthority } from '@rampart/spiffe';
import type { ParsedCertificate } from '@rampart/spiffe';
import type { HeldAuthority } from '../held-authority.ts';
import { commonNameOf } from '../signing-authority.ts';
import type { HierarchyOptions } from '../signing-authority.ts';

/** An intermediate that was signed elsewhere, and the root that its chain ends in. */
export interface ForeignAuthority {
  readonly intermediate: HeldAuthority;
  readonly root: HeldAuthority;
}

/** What was asked for, and who may have signed it. */
export interface Expectation {
  readonly keyName: string;
  readonly signer: Signer;
  /** DER: the roots that count. Absent: the self-signed certificate at the end of the chain, which an operator vouches for. */
  readonly roots?: readonly Uint8Array[];
}

/**
 * Holds a chain from elsewhere, the intermediate first, against everything that relying parties will hold it against, and
 * against what was asked for. Nothing is used before that.
 * @throws RampartError INVALID_CERTIFICATE that says what is wrong and what to ask its signer for.
 */
export function readForeignAuthority(
  chain: readonly Uint8Array[],
  { keyName, signer, roots }: Expectation,
  { clock, trustDomain }: HierarchyOptions,
): ForeignAuthority {
  const last = chain.at(-1);
  const trusted = roots ?? (last === undefined ? [] : [last]);
  const now = clock.now();
  const path = verifyAuthority(chain, { trustDomain, roots: trusted, at: now });
  if (!path.ok)
    throw unfit(path.problem.message, 'the chain is the intermediate first, then what is above it, its root last');
  const [intermediate, ...above] = path.value;
  const root = above.at(-1);
  if (intermediate === undefined || root === undefined || above.length === 0) {
    throw unfit('it holds a root and no intermediate', 'the root signs intermediates only');
  }
  if (Buffer.compare(intermediate.publicKey.der, signer.publicKeyDer) !== 0) {
    throw unfit('it is for another key than the one that was asked for', 'sign the newest request: rampart ca request');
  }
  // Leaves name the key that signed them: what authorities below this one sign could not be refused together with it.
  if (intermediate.pathLength !== 0) {
    throw unfit('it may sign further authorities', 'have it signed with a path length of 0, as the request says');
  }
  if (!isSelfSigned(root)) throw unfit('its last certificate is not self-signed', 'put the root at its end');
  const common = { upstream: above.slice(0, -1).map(({ der }) => der), state: 'prepared', since: now } as const;
  return {
    intermediate: hold(intermediate, { ...common, kind: 'intermediate', keyName }, signer),
    root: hold(root, { ...common, kind: 'root', keyName: '', upstream: [] }, undefined),
  };
}

/**
 * Holds a root whose key is kept elsewhere against everything that relying parties will hold it against.
 * @throws RampartError INVALID_CERTIFICATE.
 */
export function readForeignRoot(der: Uint8Array, { clock, trustDomain }: HierarchyOptions): HeldAuthority {
  const now = clock.now();
  const parsed = parseCertificate(der);
  if (!parsed.ok) throw noRoot(parsed.problem);
  const root = parsed.value;
  const domain = checkAuthorityProfile(root);
  if (!domain.ok) throw noRoot(domain.problem.message);
  if (domain.value?.equals(trustDomain) === false) throw noRoot(`it is of trust domain ${domain.value.name}`);
  const path = verifyAuthority([der], { trustDomain, roots: [der], at: now });
  if (!path.ok) throw noRoot(path.problem.message);
  const common = { kind: 'root', keyName: '', upstream: [], state: 'prepared', since: now } as const;
  return hold(root, common, undefined);
}

function noRoot(why: string): RampartError {
  return new RampartError('INVALID_CERTIFICATE', `this is no root that could be trusted: ${why}`);
}

function isSelfSigned({ issuer, subject }: ParsedCertificate): boolean {
  return Buffer.compare(issuer, subject) === 0;
}

function hold(
  certificate: ParsedCertificate,
  known: Pick<HeldAuthority['record'], 'kind' | 'keyName' | 'upstream' | 'state' | 'since'>,
  signer: Signer | undefined,
): HeldAuthority {
  const { der, serial, notBefore, notAfter } = certificate;
  const record = { ...known, der, serial, notBefore, notAfter, name: commonNameOf(known.kind, serial) };
  return { record, certificate, signer };
}

function unfit(why: string, remedy: string): RampartError {
  return new RampartError('INVALID_CERTIFICATE', `the chain of the intermediate was refused: ${why}; ${remedy}`);
}
