import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';
import type { CertificateAuthority } from '@rampart/wire';

import { Callers } from '../harness/callers.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

/** 1,000 is the number that has to hold; a machine with a whole suite on it is spared. */
const CONNECTIONS = Number(process.env['RAMPART_TEST_CONNECTIONS'] ?? 150);
const REASON = 'a drill';

let plane: ControlPlaneProcess;
let echo: Workload;
let caller: Laboratory;
let callers: Callers;

before(async () => {
  plane = await ControlPlaneProcess.start();
  await plane.apply(STRICT);
  await plane.apply(allowOnly('echo', 'caller'));
  echo = await Workload.start(plane, { script: 'echo.mjs', serviceAccount: 'echo', service: 'echo' });
  caller = await Laboratory.start(plane, { serviceAccount: 'caller' });
  await until('echo to be known', () =>
    caller.run(() =>
      fetch('http://echo/api/')
        .then((response) => response.ok)
        .catch(() => undefined),
    ),
  );
  callers = await Callers.start(caller, { count: CONNECTIONS, url: 'http://echo/api/x' });
});

after(async () => {
  await Promise.all([echo.kill(), caller.kill()]);
  await plane.stop();
});

async function active(kind: string): Promise<CertificateAuthority> {
  const { authorities } = await plane.admin.listAuthorities({});
  const found = authorities.find((each) => each.kind === kind && each.state === 'active');
  assert.ok(found);
  return found;
}

/** Name of the authority that signed the newest certificate of each workload. */
async function issuers(): Promise<string[]> {
  const names: string[] = [];
  for (const account of ['echo', 'caller']) {
    const spiffeId = `spiffe://cluster.local/ns/default/sa/${account}`;
    const { certificates } = await plane.admin.listCertificates({ spiffeId, limit: 1 });
    names.push(certificates[0]?.issuer ?? '');
  }
  return names;
}

function renewedUnder({ name }: CertificateAuthority): Promise<unknown> {
  return until(`both workloads to have certificates of ${name}`, async () =>
    (await issuers()).every((issuer) => issuer === name),
  );
}

async function rotateIntermediate(): Promise<CertificateAuthority> {
  const last = await active('intermediate');
  await plane.admin.prepareAuthority({ kind: 'intermediate' });
  await plane.admin.activateAuthority({ kind: 'intermediate' });
  await plane.admin.taintAuthority({ serial: last.serial, reason: REASON });
  return last;
}

describe(`under ${CONNECTIONS} connections`, { concurrency: false }, () => {
  it('every caller has one of its own', async () => {
    const { connections, failures } = await callers.served(2);
    assert.deepEqual(failures, []);
    assert.ok(connections >= CONNECTIONS, `${connections} connections`);
  });

  it('a tainted intermediate is replaced at every workload at once, and no request fails', async () => {
    await rotateIntermediate();
    await renewedUnder(await active('intermediate'));
    assert.deepEqual((await callers.served(2)).failures, []);
  });

  it('once nobody uses it any more, the old intermediate is revoked, and no request fails', async () => {
    const last = await rotateIntermediate();
    await renewedUnder(await active('intermediate'));
    await callers.served(2);
    await plane.admin.revokeAuthority({ serial: last.serial, reason: REASON });
    assert.deepEqual((await callers.served(2)).failures, []);
  });

  it('a root is replaced and revoked, and no request fails', async () => {
    const last = await active('root');
    await plane.admin.prepareAuthority({ kind: 'root' });
    const { revision } = await plane.admin.getStatus({});
    await until('every data plane to know the new root', async () => {
      const { planes } = await plane.admin.getStatus({});
      return planes.every(({ ackedRevision }) => ackedRevision >= revision);
    });
    await callers.served(1);
    await plane.admin.activateAuthority({ kind: 'root', now: true });
    await plane.admin.taintAuthority({ serial: last.serial, reason: REASON });
    await renewedUnder(await active('intermediate'));
    assert.deepEqual((await callers.served(2)).failures, []);
    await plane.admin.revokeAuthority({ serial: last.serial, reason: REASON });
    assert.deepEqual((await callers.served(2)).failures, []);
    assert.equal((await active('intermediate')).root, (await active('root')).serial);
  });

  it('none of all of them failed', async () => {
    const { answered, failures } = await callers.stop();
    assert.deepEqual(failures, []);
    assert.ok(answered > CONNECTIONS * 10);
  });
});
