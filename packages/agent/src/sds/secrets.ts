import { createHash } from 'node:crypto';

import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { Any } from '@bufbuild/protobuf/wkt';
import { bundleToPem, toPem } from '@rampart/spiffe';
import type { TrustBundle } from '@rampart/spiffe';
import { SecretSchema, SPIFFECertValidatorConfigSchema } from '@rampart/wire/sds';

import type { Caller } from '../endpoint/caller.ts';
import { bundlesOf, entriesOf, svidsOf } from '../identities/identities.ts';
import type { HeldSvid, Identities } from '../identities/identities.ts';
import type { Watched } from '../identities/watched.ts';
import { ALL_ROOTS, certificateNames, OWN_ROOTS } from './secret-names.ts';
import type { SecretNames } from './secret-names.ts';

/** A secret in the form in which it is handed out. */
export interface PackedSecret {
  readonly name: string;
  /** Another one whenever the secret says something else. */
  readonly version: string;
  readonly resource: Any;
}

/** What an Envoy wants. */
export interface SecretQuestion {
  readonly names: SecretNames;
  /** Roots alone, without Envoy's SPIFFE validator: for Envoys that lack it, and for those that should check CRLs. */
  readonly isPlain: boolean;
}

/**
 * The secrets of a caller that were asked for. What is not the caller's, or not there yet, is left out.
 * @throws ConnectError Unavailable while the agent starts; PermissionDenied when the caller has no identity.
 */
export async function secretsOf(
  caller: Caller,
  question: SecretQuestion,
  { identities, watched }: { readonly identities: Identities; readonly watched: Watched },
): Promise<ReadonlyMap<string, PackedSecret>> {
  const entries = await entriesOf(caller, identities);
  const namesOf = new Map(entries.map((entry, index) => [entry, certificateNames(entry, index === 0, question.names)]));
  const wanted = entries.filter((entry) => (namesOf.get(entry) ?? []).length > 0);
  watched.only(wanted);
  const held = wanted.length === 0 ? [] : await svidsOf(wanted, identities);
  const certificates = held.flatMap((svid) => (namesOf.get(svid.entry) ?? []).map((name) => certificate(name, svid)));
  const roots = validationContexts(bundlesOf(entries, identities), question, identities.view.crls);
  return new Map([...certificates, ...roots].map((secret) => [secret.name, pack(secret)]));
}

type Secret = MessageInitShape<typeof SecretSchema> & { readonly name: string };

function certificate(name: string, { svid }: HeldSvid): Secret {
  return {
    name,
    type: {
      case: 'tlsCertificate',
      value: {
        certificateChain: inline(svid.chain.map((der) => toPem(der)).join('')),
        privateKey: inline(toPem(svid.key, 'PRIVATE KEY')),
      },
    },
  };
}

function validationContexts(
  bundles: readonly TrustBundle[],
  { names, isPlain }: SecretQuestion,
  crls: readonly Uint8Array[],
): readonly Secret[] {
  const [own] = bundles;
  const byName = bundles.flatMap((bundle) => {
    const name = `spiffe://${bundle.trustDomain.name}`;
    return names === undefined || names.has(name) ? [{ name, of: [bundle] }] : [];
  });
  const ownRoots = own !== undefined && names?.has(OWN_ROOTS) === true ? [{ name: OWN_ROOTS, of: [own] }] : [];
  const all = names?.has(ALL_ROOTS) === true ? [{ name: ALL_ROOTS, of: bundles }] : [];
  return [...byName, ...ownRoots, ...all].map(({ name, of }) =>
    // Roots of several domains in one pool would let each of them vouch for the others' names.
    isPlain && of.length === 1 ? plainRoots(name, of, of[0] === own ? crls : []) : rootsByDomain(name, of),
  );
}

function rootsByDomain(name: string, bundles: readonly TrustBundle[]): Secret {
  const trustDomains = bundles.map((bundle) => ({
    name: bundle.trustDomain.name,
    trustBundle: inline(bundleToPem(bundle)),
  }));
  const typedConfig = anyPack(
    SPIFFECertValidatorConfigSchema,
    create(SPIFFECertValidatorConfigSchema, { trustDomains }),
  );
  return {
    name,
    type: {
      case: 'validationContext',
      value: { customValidatorConfig: { name: 'envoy.tls.cert_validator.spiffe', typedConfig } },
    },
  };
}

function plainRoots(name: string, bundles: readonly TrustBundle[], crls: readonly Uint8Array[]): Secret {
  const lists = crls.map((der) => toPem(der, 'X509 CRL')).join('');
  return {
    name,
    type: {
      case: 'validationContext',
      value: {
        trustedCa: inline(bundles.map(bundleToPem).join('')),
        ...(crls.length === 0 ? {} : { crl: inline(lists), onlyVerifyLeafCertCrl: true }),
      },
    },
  };
}

function inline(text: string): { readonly specifier: { readonly case: 'inlineBytes'; readonly value: Uint8Array } } {
  return { specifier: { case: 'inlineBytes', value: Buffer.from(text) } };
}

const VERSION_CHARACTERS = 16;

function pack(secret: Secret): PackedSecret {
  const resource = anyPack(SecretSchema, create(SecretSchema, secret));
  const version = createHash('sha256').update(resource.value).digest('hex').slice(0, VERSION_CHARACTERS);
  return { name: secret.name, version, resource };
}
