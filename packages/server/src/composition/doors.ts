import { type ApiServer, openApiServer } from '../doors/api-server.ts';
import { openWebDoor, type WebDoor } from '../doors/documents/web-door.ts';
import { openOperationsServer, type OperationsServer } from '../doors/operations-server.ts';
import { openRegistryDoors, type RegistryDoors } from './registry-doors.ts';
import { SignedAnswers } from '../doors/signing/signed-answers.ts';
import { GRACE_MS, LOOPBACK, type Start } from './start.ts';
import type { State } from './state.ts';

export interface Doors {
  readonly api: ApiServer;
  readonly operations: OperationsServer;
  readonly registry: RegistryDoors;
  readonly signedAnswers: SignedAnswers;
}

/** Ports come first: one that is in use is known before anything is written. */
export async function openDoors(start: Start, isReady: () => boolean): Promise<Doors> {
  const { options, teardown, metrics } = start;
  const operations = await openOperationsServer({ host: LOOPBACK, port: options.ports.metrics, metrics, isReady });
  teardown.add('operations door', () => operations.close());
  const failed = metrics.counter('rampart_tls_handshakes_failed_total', 'TLS handshakes with the API that failed.');
  const api = await openApiServer({
    host: options.host,
    port: options.ports.api,
    handshakeFailed: (error) => {
      failed.add();
      options.log.debug({ error }, 'a TLS handshake failed');
    },
  });
  teardown.add('API door', () => api.close(GRACE_MS));
  return {
    api,
    operations,
    signedAnswers: new SignedAnswers(options.clock),
    registry: await openRegistryDoors(start),
  };
}

/** Public documents for those who know no SPIFFE yet, where that is asked for. */
export async function openWeb({ options, teardown }: Start, { documents }: State): Promise<WebDoor | undefined> {
  const { webDoor } = options.federation;
  if (webDoor === undefined) return undefined;
  const { clock, log, host } = options;
  const failed = (error: unknown): void =>
    log.error({ error }, 'the renewed certificate of the web door cannot be used');
  const web = await openWebDoor({ ...webDoor, host, documents, clock, failed });
  teardown.add('web door', () => web.close());
  return web;
}
