import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createCsr, generateKeyPair, parseCertificate, parseCrl, provePossession, toPem } from '@rampart/spiffe';
import { foreignAuthority, foreignCertificate } from '@rampart/testkit';
import type { SvidResponse, SyncUpdate } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { openDatabase } from '../storage/database.ts';
import { sqliteEngine } from '../storage/sqlite/engine.ts';
import { createJournalStore } from '../storage/stores/journal-store.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const AGENT = 'spiffe://cluster.local/agent/join_token/host-1';
const WEB = 'spiffe://cluster.local/ns/prod/sa/web';

function entry(name: string, spec: object): string {
  return JSON.stringify({
    apiVersion: 'rampart.dev/v1',
    kind: 'RegistrationEntry',
    metadata: { name, namespace: 'istio-system' },
    spec: { spiffeId: WEB, selectors: ['unix:uid:1000'], ...spec },
  });
}

const csr = (): Uint8Array => createCsr(generateKeyPair());

describe('what agents ask for', () => {
  const planes = new TestPlanes();
  let clock: ManualClock;
  let plane: ControlPlane;
  let admin: ApiClient;

  beforeEach(async () => {
    await planes.open();
    clock = new ManualClock();
    plane = await planes.start({ clock });
    admin = planes.keep(connectAsAdmin(plane));
  });
  afterEach(() => planes.close());

  async function attestAgent(
    agent = 'host-1',
  ): Promise<{ readonly client: ApiClient; readonly response: SvidResponse }> {
    const { token } = await admin.admin.createJoinToken({ agent });
    const keyPair = generateKeyPair();
    const response = await planes.keep(connectTo(plane)).identity.attest({
      evidence: { case: 'joinToken', value: token },
      csr: createCsr(keyPair),
    });
    const credentials = { certificate: response.chain.map((der) => toPem(der)).join(''), key: keyPair.privateKeyPem() };
    return { client: planes.keep(connectTo(plane, { credentials })), response };
  }

  async function apply(...documents: string[]): Promise<void> {
    const { problems } = await admin.admin.apply({ document: documents.join('\n---\n') });
    assert.deepEqual(
      problems.map(({ message }) => message),
      [],
    );
  }

  async function audited(eventType: string): Promise<Record<string, unknown>[]> {
    const { records } = await admin.admin.queryAudit({ limit: 100 });
    return records
      .map((json) => JSON.parse(json) as Record<string, unknown>)
      .filter((record) => record['event_type'] === eventType);
  }

  /** What an agent hears, as a list that grows. */
  function listen(agent: ApiClient): { readonly heard: SyncUpdate[]; error(): unknown } {
    const heard: SyncUpdate[] = [];
    let error: unknown;
    void (async () => {
      try {
        for await (const update of agent.agent.sync({})) if (!update.heartbeat) heard.push(update);
      } catch (cause) {
        error = cause;
      }
    })();
    return { heard, error: () => error };
  }

  it('an agent joins with a token of its own, and is no workload', async () => {
    const { client, response } = await attestAgent();
    assert.deepEqual([response.spiffeId, response.workload], [AGENT, undefined]);
    await assert.rejects(client.telemetry.report({ reporter: 'r', sequence: 1n }), /is no workload/);
    const { certificates } = await admin.admin.listCertificates({ spiffeId: AGENT });
    assert.deepEqual(
      certificates.map(({ kind, reason }) => [kind, reason]),
      [['agent', 'attested']],
    );
    assert.equal((await client.identity.renew({ csr: csr() })).spiffeId, AGENT);
  });

  it('an agent is told of revocations and their lists, and is cut off when it is revoked itself', async () => {
    const { client } = await attestAgent();
    const { heard, error } = listen(client);
    await until('the first update', () => heard.length > 0);
    assert.deepEqual([heard[0]?.revocationRules, heard[0]?.crls.length], [[], 2]);
    const { id } = await admin.revocation.revoke({ spiffeId: WEB, reason: 'keyCompromise' });
    await until('the rule', () => heard.some(({ revocationRules }) => revocationRules.some((rule) => rule.id === id)));
    clock.advance(1000);
    await until('new lists', () => heard.slice(1).some(({ crls }) => crls.length === 2));
    await admin.revocation.revoke({ spiffeId: AGENT });
    await until('the end of the stream', () => error() !== undefined);
    assert.match(String(error()), /host-1 issued until .* is revoked/);
    await assert.rejects(client.identity.renew({ csr: csr() }), /is revoked/);
  });

  it('an agent is told to replace what a tainted authority signed, whether it listens or comes later', async () => {
    await apply(entry('web', {}));
    const { client, response } = await attestAgent();
    const { heard } = listen(client);
    await until('the first update', () => heard.length > 0);
    assert.deepEqual([heard[0]?.rotate, heard[0]?.taintedKeyIds], [false, []]);
    const intermediate = parseCertificate(response.chain[1] ?? new Uint8Array());
    assert.ok(intermediate.ok);
    const { serial, subjectKeyId = new Uint8Array() } = intermediate.value;
    await admin.admin.taintAuthority({ serial, reason: 'key leaked' });
    const used = (await admin.admin.listAuthorities({})).authorities.map(({ inUse }) => inUse);
    assert.deepEqual(used, [1, 1, 0], 'by one agent, until it has renewed');
    const later = listen(client);
    for (const each of [heard, later.heard]) {
      await until('the word', () => each.some(({ rotate }) => rotate));
      assert.deepEqual(
        each.flatMap(({ taintedKeyIds }) => taintedKeyIds).map((id) => Buffer.from(id).toString('hex')),
        [Buffer.from(subjectKeyId).toString('hex')],
      );
    }
    const { chain } = await client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() });
    assert.notDeepEqual(chain[1], response.chain[1]);
  });

  it('an agent has lists that are of now soon after the clock of the control plane jumped, ahead and back', async () => {
    const { client } = await attestAgent();
    const { heard } = listen(client);
    await until('the first update', () => heard.length > 0);
    for (const hours of [2, -2]) {
      const before = heard.length;
      clock.jump(hours * 3_600_000);
      clock.advance(10_000);
      clock.advance(301);
      await until('new lists', () => heard.slice(before).some(({ crls }) => crls.length === 2));
      const parsed = parseCrl(heard.at(-1)?.crls[0] ?? new Uint8Array());
      assert.ok(parsed.ok && Math.abs(parsed.value.thisUpdate - clock.now()) < 60_000);
    }
  });

  it('an agent that is late with the renewal of its own certificate is told so', async () => {
    const { client } = await attestAgent();
    clock.advance(16 * 3_600_000);
    const { heard } = listen(client);
    await until('the first update', () => heard.length > 0);
    clock.advance(60_000);
    await until('the word', () => heard.some(({ rotate }) => rotate));
    await until('the record', async () => (await audited('CERTIFICATE_RENEWAL_LATE')).length > 0);
    assert.equal((await audited('CERTIFICATE_RENEWAL_LATE'))[0]?.['identity'], AGENT);
  });

  it('a workload is no agent', async () => {
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const workload = planes.keep(connectTo(plane, { credentials }));
    await assert.rejects(workload.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() }), /is no agent/);
    await until('the record', async () => (await audited('ACCESS_DENIED')).length === 1);
  });

  it('a sync tells everything at first, then what changes', async () => {
    await apply(entry('web', { service: 'web', labels: { app: 'web' }, dnsNames: ['web.prod'], x509SvidTtl: '1h' }));
    const { client } = await attestAgent();
    const { heard } = listen(client);
    await until('the first update', () => heard.length === 1);
    const [first] = heard;
    assert.equal(first?.reset, true);
    assert.deepEqual(
      first.entries.map(({ id, spiffeId, workload, dnsNames, x509TtlSeconds }) => [
        id,
        spiffeId,
        workload?.service,
        dnsNames,
        x509TtlSeconds,
      ]),
      [['istio-system/web', WEB, 'web', ['web.prod'], 3600]],
    );
    assert.deepEqual(
      first.bundles.map(({ trustDomain, roots }) => [trustDomain, roots.length]),
      [['cluster.local', 1]],
    );
    await apply(entry('web', { hint: 'changed' }), entry('batch', { spiffeId: 'spiffe://cluster.local/batch' }));
    await until('the changed and the new entry', () => heard.length === 2);
    assert.deepEqual(
      heard[1]?.entries.map(({ id, hint, workload }) => [id, hint, workload?.namespace]),
      [
        ['istio-system/batch', '', undefined],
        ['istio-system/web', 'changed', 'prod'],
      ],
    );
    await admin.admin.deleteResource({ kind: 'RegistrationEntry', namespace: 'istio-system', name: 'web' });
    await until('the deleted entry', () => heard.length === 3);
    assert.deepEqual([heard[2]?.removedEntryIds, heard[2]?.entries], [['istio-system/web'], []]);
  });

  it('an agent hears of entries that are its own or of any agent, and of no evidence', async () => {
    await apply(
      entry('mine', { parentId: AGENT }),
      entry('other', { parentId: 'spiffe://cluster.local/agent/join_token/host-2' }),
      entry('any', {}),
      entry('direct', { selectors: ['k8s:ns:prod'] }),
    );
    const { client } = await attestAgent();
    const { heard } = listen(client);
    await until('the first update', () => heard.length === 1);
    assert.deepEqual(
      heard[0]?.entries.map(({ id }) => id),
      ['istio-system/any', 'istio-system/mine'],
    );
    for (const id of ['other', 'direct', 'none']) {
      const asked = client.agent.issueX509Svid({ entryId: `istio-system/${id}`, csr: csr() });
      await assert.rejects(asked, /may not hand out/);
    }
    const rules = (await audited('ISSUANCE_DENIED')).map(({ details }) => {
      const { rule, entry_exists: exists } = details as { rule: string; entry_exists: boolean };
      return [rule, exists];
    });
    assert.deepEqual(rules, [
      ['agent-entry', false],
      ['agent-entry', true],
      ['agent-entry', true],
    ]);
  });

  it('an entry ends by itself', async () => {
    await apply(entry('web', { expiresAt: new Date(clock.now() + 60_000).toISOString() }));
    const { client } = await attestAgent();
    const { heard } = listen(client);
    await until('the first update', () => heard.length === 1);
    assert.equal(heard[0]?.entries.length, 1);
    await client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() });
    await until('the end of the entry', () => {
      if (heard.length === 1) clock.advance(61_000);
      return heard.length === 2;
    });
    assert.deepEqual(heard[1]?.removedEntryIds, ['istio-system/web']);
    await assert.rejects(client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() }), /may not hand out/);
  });

  it('a certificate on behalf of a workload is as its entry says, and says who asked for it', async () => {
    await apply(entry('web', { service: 'web', dnsNames: ['web.prod'], x509SvidTtl: '1h' }));
    const { client } = await attestAgent();
    const svid = await client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() });
    const leaf = parseCertificate(svid.chain[0] ?? new Uint8Array());
    assert.ok(leaf.ok);
    assert.deepEqual([leaf.value.uriSans, leaf.value.dnsSans], [[WEB], ['web.prod']]);
    assert.equal(leaf.value.notAfter, Math.floor((clock.now() + 3_600_000) / 1000) * 1000);
    assert.deepEqual([svid.spiffeId, svid.workload?.service], [WEB, 'web']);
    const { certificates } = await admin.admin.listCertificates({ spiffeId: WEB });
    assert.deepEqual(
      certificates.map(({ requestedBy, reason }) => [requestedBy, reason]),
      [[AGENT, 'agent']],
    );
    const [issued] = await audited('CERTIFICATE_ISSUED');
    const details = issued?.['details'] as { requested_by: string } | undefined;
    assert.deepEqual([issued?.['identity'], details?.requested_by], [WEB, AGENT]);
  });

  it('a certificate that takes the place of another is a rotation in the ledger, if the other is its own', async () => {
    await apply(entry('web', {}), entry('other', { spiffeId: 'spiffe://cluster.local/other' }));
    const { client } = await attestAgent();
    const issue = async (entryId: string, previousSerial: string): Promise<string> => {
      const { chain } = await client.agent.issueX509Svid({
        entryId: `istio-system/${entryId}`,
        csr: csr(),
        previousSerial,
      });
      const leaf = parseCertificate(chain[0] ?? new Uint8Array());
      return leaf.ok ? leaf.value.serial : '';
    };
    const first = await issue('web', '');
    const second = await issue('web', first);
    await issue('other', second);
    await issue('web', 'ff');
    const database = await openDatabase(sqliteEngine(join(planes.dataDirectory, 'rampart.db')));
    try {
      const entries = await createJournalStore(database).read({ stream: 'ledger', limit: 100, order: 'oldest-first' });
      const rotations = entries
        .map(({ body }) => JSON.parse(body) as Record<string, unknown>)
        .filter(({ rotation }) => rotation !== undefined);
      assert.deepEqual(
        rotations.map(({ serial, old_serial: old, requested_by: by }) => [serial, old, by]),
        [[second, first, AGENT]],
      );
    } finally {
      await database.close();
    }
  });

  it('an agent whose attestor no longer takes it for one hands out nothing more', async () => {
    const root = foreignAuthority();
    const host = foreignCertificate({ issuer: root, extensions: ['keyUsage=critical,digitalSignature'] });
    const attestor = (agents: object): string =>
      JSON.stringify({
        apiVersion: 'rampart.dev/v1',
        kind: 'Attestor',
        metadata: { name: 'hosts' },
        spec: { x509pop: { roots: root.certPem }, ...agents },
      });
    await apply(entry('web', {}), attestor({ agents: {} }));
    clock.advance(1000);
    const newcomer = planes.keep(connectTo(plane));
    const { nonce, trustDomain } = await newcomer.identity.challenge({});
    const keyPair = generateKeyPair();
    const request = createCsr(keyPair);
    const signature = provePossession(host.key, { label: 'rampart x509pop v1', trustDomain, nonce, csr: request });
    const { chain } = await newcomer.identity.attest({
      evidence: { case: 'x509pop', value: { chain: [host.der], nonce, signature } },
      csr: request,
      agent: true,
    });
    const credentials = { certificate: chain.map((der) => toPem(der)).join(''), key: keyPair.privateKeyPem() };
    const agent = planes.keep(connectTo(plane, { credentials }));
    await agent.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() });
    await apply(attestor({}));
    await assert.rejects(agent.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() }), /no longer takes/);
  });

  it('a workload does not renew what its agent handed out', async () => {
    await apply(entry('web', {}));
    const { client } = await attestAgent();
    const keyPair = generateKeyPair();
    const svid = await client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: createCsr(keyPair) });
    const certificate = svid.chain.map((der) => toPem(der)).join('');
    const workload = planes.keep(connectTo(plane, { credentials: { certificate, key: keyPair.privateKeyPem() } }));
    await assert.rejects(workload.identity.renew({ csr: csr() }), /which renews it/);
  });

  it('a bad request is refused and leaves nothing in the ledger', async () => {
    await apply(entry('web', {}));
    const { client } = await attestAgent();
    await assert.rejects(
      client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: new Uint8Array(3) }),
      /refused by rule csr-malformed: /,
    );
    assert.deepEqual((await admin.admin.listCertificates({ spiffeId: WEB })).certificates, []);
    const denials = await audited('ISSUANCE_DENIED');
    assert.deepEqual(
      denials.map(({ details }) => (details as { rule: string }).rule),
      ['csr-malformed'],
    );
  });

  it('a token is refused for bad audiences, and where nothing signs tokens', async () => {
    await apply(entry('web', {}));
    const { client } = await attestAgent();
    await assert.rejects(
      client.agent.issueJwtSvid({ entryId: 'istio-system/web', audiences: [] }),
      /audiences must be/,
    );
    await assert.rejects(
      client.agent.issueJwtSvid({ entryId: 'istio-system/none', audiences: ['a'] }),
      /may not hand out/,
    );
  });

  it('a revoked agent is cut off at once', async () => {
    await apply(entry('web', {}));
    const { client, response } = await attestAgent();
    const leaf = parseCertificate(response.chain[0] ?? new Uint8Array());
    assert.ok(leaf.ok);
    const sync = listen(client);
    await until('the first update', () => sync.heard.length === 1);
    await admin.admin.revokeCertificate({ serial: leaf.value.serial, reason: 'host lost' });
    await until('the end of the stream', () => sync.error() !== undefined);
    await assert.rejects(client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: csr() }), /revoked/);
  });

  it('an administrator by its entry calls the admin API with its certificate, while the entry is in force', async () => {
    await apply(entry('web', { admin: true, parentId: AGENT }));
    const { client } = await attestAgent();
    const keyPair = generateKeyPair();
    const svid = await client.agent.issueX509Svid({ entryId: 'istio-system/web', csr: createCsr(keyPair) });
    const certificate = svid.chain.map((der) => toPem(der)).join('');
    const workload = planes.keep(connectTo(plane, { credentials: { certificate, key: keyPair.privateKeyPem() } }));
    await workload.admin.createJoinToken({ agent: 'host-2' });
    const [created] = await audited('JOIN_TOKEN_CREATED');
    assert.equal(created?.['identity'], `admin:${WEB}`);
    await assert.rejects(client.admin.getStatus({}), /needs an admin token/);
    await apply(entry('web', {}));
    await assert.rejects(workload.admin.getStatus({}), /needs an admin token/);
  });

  const refused: readonly (readonly [rule: string, spec: object, message: RegExp])[] = [
    [
      'for an identity of another trust domain',
      { spiffeId: 'spiffe://other/ns/prod/sa/web' },
      /only identities of cluster.local/,
    ],
    [
      'for the identity of the control plane',
      { spiffeId: 'spiffe://cluster.local/ns/istio-system/sa/rampart-server' },
      /the control plane itself/,
    ],
    ['with certificates for longer than the profile has', { x509SvidTtl: '25h' }, /certificates live 24h at most here/],
    ['with tokens for longer than there are', { jwtSvidTtl: '61m' }, /tokens live 1h at most here/],
  ];
  for (const [rule, spec, message] of refused) {
    it(`an entry ${rule} is not taken`, async () => {
      const { problems } = await admin.admin.apply({ document: entry('bad', spec) });
      assert.match(problems[0]?.message ?? '', message);
    });
  }

  it('an entry for evidence of another entry is taken with a warning, until one of them is changed', async () => {
    const web = { selectors: ['k8s:ns:prod', 'k8s:sa:web'] };
    await apply(entry('web', web));
    const warningsOf = async (...entries: string[]): Promise<string[]> => {
      const { problems } = await admin.admin.apply({ document: entries.join('\n---\n'), dryRun: true });
      return problems.map(({ severity, line, field, message }) => `${severity} ${line} ${field} ${message}`);
    };
    const all = entry('all', { selectors: ['k8s:ns:prod'] });
    assert.deepEqual(await warningsOf(all), [
      'warning 1 spec.selectors are among those of istio-system/web: nobody who attests directly gets that identity any more, because evidence for it is for this entry, too, and only one may be',
    ]);
    assert.deepEqual(await warningsOf(all, entry('web', { selectors: ['k8s:ns:dev'] })), []);
    assert.deepEqual(await warningsOf(entry('web', web)), []);
  });

  it('an attestor with roots that cannot be read is not taken', async () => {
    const document = JSON.stringify({
      apiVersion: 'rampart.dev/v1',
      kind: 'Attestor',
      metadata: { name: 'nodes' },
      spec: { x509pop: { roots: '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n' } },
    });
    const { problems } = await admin.admin.apply({ document });
    assert.deepEqual(
      problems.map(({ field }) => field),
      ['spec.x509pop.roots'],
    );
    assert.match(problems[0]?.message ?? '', /certificate 1 cannot be used/);
  });

  for (const agent of ['a/b', '..', 'a b']) {
    it(`no token is made for an agent named ${JSON.stringify(agent)}`, async () => {
      await assert.rejects(admin.admin.createJoinToken({ agent }), /agent/);
    });
  }
});
