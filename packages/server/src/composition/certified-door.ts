import { writeCaFile } from '../directory/client-files.ts';
import { peerVerifier } from '../doors/peer.ts';
import { ServerCertificate } from '../doors/server-certificate.ts';
import type { DoorCredentials } from '../doors/tls.ts';
import { createProbe } from '@rampart/registry/health';
import { watchExpiry } from '../ledger/watch-expiry.ts';
import { CrlKeeper } from '../revocation/crl-keeper.ts';
import { watchHierarchy } from '../trust/hierarchy-watch.ts';
import type { Serving } from './serving.ts';
import type { Start } from './start.ts';

/** The API's own certificate, now and after each half-life; and the authorities that sign it and all others. */
export async function certifyDoor(
  { options, teardown, directory }: Start,
  { doors, state, mesh }: Omit<Serving, 'telemetry'>,
): Promise<void> {
  const { clock, random, log, rootNamespace } = options;
  let own: DoorCredentials = { certificateChain: '', privateKey: '' };
  const certificate = await ServerCertificate.start({
    authority: state.authority,
    rootNamespace,
    host: options.host,
    clock,
    random,
    use: (credentials, signer) => {
      own = credentials;
      doors.api.use(credentials);
      doors.registry.use(credentials);
      doors.signedAnswers.use(signer);
    },
    failed: (error) => log.error({ error }, 'the certificate of the API could not be renewed'),
  });
  teardown.add('server certificate', () => certificate.stop());
  const lists = await CrlKeeper.start({ ...state, clock, log });
  teardown.add('revocation lists', () => lists.stop());
  const verifier = peerVerifier(clock, state.authority);
  state.registry.startChecks(createProbe(options.probes, () => ({ credentials: own, verifier })));
  const watch = watchHierarchy({
    ...state,
    ...mesh,
    clock,
    replaceOwn: (authorities) => certificate.replace(authorities),
    ticked: () => {
      certificate.check();
      lists.check();
      mesh.directory.tick();
    },
    bundleChanged: () =>
      void writeCaFile(directory, state.authority).catch((error: unknown) =>
        log.error({ error }, 'the CA file could not be brought up to date'),
      ),
  });
  teardown.add('authorities', watch);
  teardown.add('expiry', await watchExpiry({ ...state, ...mesh, rootNamespace, clock, log }));
  for (const warning of state.authority.hierarchy.status().warnings) log.warn({ warning }, 'certificates');
  const { revocations } = state.authority;
  teardown.add(
    'watches',
    revocations.onRevoked(() => certificate.replaceRevoked((own) => revocations.of(own) !== undefined)),
  );
}
