import type { ServiceImpl } from '@connectrpc/connect';
import type { Authority, RevocationAct, RevocationHit, RevocationOrder, RevocationStore } from '@rampart/authority';
import { RampartError, serviceHost } from '@rampart/core';
import type { Registry } from '@rampart/registry';
import { reasonOfName, type RevocableCertificate, REVOCATION_REASONS, type RevocationReason } from '@rampart/spiffe';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RevocationService, RevokeRequest, RevokeResponseSchema } from '@rampart/wire';
import type { DataPlanes } from '../../control/data-planes.ts';
import { limitOf, operatorOf } from './admin/admin-parts.ts';

export interface RevocationParts {
  readonly authority: Pick<Authority, 'revocations' | 'revocationDesk'>;
  readonly acts: Pick<RevocationStore, 'acts'>;
  readonly dataPlanes: DataPlanes;
  readonly registry: Registry;
}

const LISTED = { standard: 100, most: 10_000 };
const MOST_SERIALS = 10_000;
const LONGEST_NOTE = 1000;

type RevokeAnswer = MessageInitShape<typeof RevokeResponseSchema>;
type Service = ServiceImpl<typeof RevocationService>;

interface PlaneMessage {
  readonly dataPlaneId: string;
  readonly spiffeId: string;
  readonly kind: string;
  readonly serial: string;
  readonly services: string[];
}

/** What operators do about what must no longer be trusted. */
export function createRevocationService(parts: RevocationParts): Service {
  const { authority, acts } = parts;
  const { revocationDesk: desk, revocations } = authority;
  return {
    revoke: async (request, context) => {
      const by = operatorOf(context);
      const order = orderOf(request);
      // Looked at before, because whoever is hit is cut off afterwards.
      const connected = connectedNow(parts);
      const hit = request.dryRun ? await desk.preview(order) : await desk.revoke(order, by);
      return answerOf(
        hit,
        connected.filter(({ certificate }) => hit.hits(certificate)).map(({ message }) => message),
      );
    },
    liftBar: async ({ spiffeId, note }, context) => {
      const by = operatorOf(context);
      return { lifted: await desk.lift({ spiffeId, note: checkNote(note) }, by) };
    },
    listRevocations: async ({ limit }, context) => {
      operatorOf(context);
      const listed = (await acts.acts()).toReversed().slice(0, limitOf(limit, LISTED));
      return { revocations: listed.map(recordOf), barred: revocations.barred() };
    },
  };
}

function orderOf(request: RevokeRequest): RevocationOrder {
  const { serials, spiffeId, issuedBefore, issuer, namespace, bar } = request;
  const grounds = { reason: reasonOf(request.reason), note: checkNote(request.note) };
  const named = [serials.length > 0, spiffeId !== '', issuedBefore !== 0n].filter(Boolean).length;
  if (named !== 1) throw invalid('name serials, or a SPIFFE ID, or a time: exactly one of the three');
  if (bar && spiffeId === '') throw invalid('only an identity can be barred: name a SPIFFE ID');
  if ((issuer !== '' || namespace !== '') && issuedBefore === 0n) {
    throw invalid('issuer and namespace narrow a time: name one');
  }
  if (serials.length > MOST_SERIALS) throw invalid(`${serials.length} serials are more than ${MOST_SERIALS}`);
  if (serials.length > 0) return { kind: 'certificates', serials, ...grounds };
  if (spiffeId !== '') return { kind: 'identity', spiffeId, bar, ...grounds };
  return {
    kind: 'issued-before',
    before: Number(issuedBefore),
    ...(issuer === '' ? {} : { issuer }),
    ...(namespace === '' ? {} : { namespace }),
    ...grounds,
  };
}

function reasonOf(name: string): RevocationReason {
  const reason = name === '' ? 'unspecified' : reasonOfName(name);
  if (reason !== undefined) return reason;
  throw invalid(`${JSON.stringify(name)} is no reason; RFC 5280 §5.3.1 knows ${REVOCATION_REASONS.join(', ')}`);
}

function checkNote(note: string): string {
  if (note.length <= LONGEST_NOTE) return note;
  throw invalid(`the note has ${note.length} characters, more than ${LONGEST_NOTE}`);
}

function answerOf(hit: RevocationHit, dataPlanes: PlaneMessage[]): RevokeAnswer {
  return {
    id: hit.id ?? '',
    certificates: hit.count,
    newest: hit.newest.map(({ serial, spiffeId, kind, notAfter }) => ({
      serial,
      spiffeId,
      kind,
      notAfter: BigInt(notAfter),
    })),
    dataPlanes,
    at: BigInt(hit.at),
  };
}

interface Connected {
  readonly certificate: RevocableCertificate;
  readonly message: PlaneMessage;
}

function connectedNow({ dataPlanes, registry }: RevocationParts): Connected[] {
  const services = servicesByIdentity(registry);
  return dataPlanes.sessions.map(({ options: { hello, peer } }) => {
    const spiffeId = peer.id.toString();
    const { dataPlaneId, kind } = hello;
    const message = { dataPlaneId, spiffeId, kind, serial: peer.serial, services: [...(services.get(spiffeId) ?? [])] };
    return { certificate: peer.certificate, message };
  });
}

function servicesByIdentity(registry: Registry): ReadonlyMap<string, ReadonlySet<string>> {
  const services = new Map<string, Set<string>>();
  for (const service of registry.services()) {
    for (const { identity } of service.instances) {
      services.set(identity, (services.get(identity) ?? new Set()).add(serviceHost(service)));
    }
  }
  return services;
}

function recordOf(act: RevocationAct): Record<string, unknown> & { readonly id: string } {
  const { id, kind, by, reason, note } = act;
  const common = { id, kind, at: BigInt(act.at), by, reason, note };
  if (act.kind === 'lift') return { ...common, spiffeId: act.spiffeId };
  if (act.kind === 'jwt-key') return { ...common, keyId: act.keyId };
  const serials = act.certificates.map(({ serial }) => serial);
  if (act.kind === 'certificates') return { ...common, serials };
  return {
    ...common,
    serials,
    spiffeId: act.spiffeId ?? '',
    issuedBefore: BigInt(act.issuedUntil),
    issuer: act.issuer?.serial ?? '',
    namespace: act.namespace ?? '',
    bar: act.bar,
  };
}

function invalid(message: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', message);
}
