import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { captureIo } from '../scenarios/captured-io.ts';
import { findClientSettings } from './client-settings.ts';

const REGISTRY = 'spiffe://cluster.local/ns/istio-system/sa/rampart-server';
const CLIENT = { address: 'https://127.0.0.1:8443', ca: 'ca.pem', token: 'admin.token', registry: REGISTRY };
const UNREACHABLE = { code: 'CONTROL_PLANE_UNREACHABLE' };

suite('the control plane is found', () => {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'rampart-cli-'));
    await writeClient('project/.rampart', CLIENT);
    await mkdir(join(root, 'project/src/deep'), { recursive: true });
    await mkdir(join(root, 'empty'));
    await writeClient('elsewhere', { ...CLIENT, address: 'https://127.0.0.1:9443' });
    await writeClient('leaky', { ...CLIENT, token: '../project/.rampart/admin.token' });
    await writeClient('absolute', { ...CLIENT, ca: '/etc/hostname' });
    await writeClient('odd', { address: 5 });
  });
  after(() => rm(root, { recursive: true }));

  const writeClient = async (directory: string, content: object): Promise<void> => {
    await mkdir(join(root, directory), { recursive: true });
    await writeFile(join(root, directory, 'client.json'), JSON.stringify(content));
  };
  const io = (directory: string, env: Record<string, string> = {}): ReturnType<typeof captureIo>['io'] =>
    captureIo({ workingDirectory: join(root, directory), env }).io;

  test('in the nearest .rampart upwards, with its files beside it', async () => {
    const home = join(root, 'project/.rampart');
    assert.deepEqual(await findClientSettings({}, io('project/src/deep')), {
      address: CLIENT.address,
      caFile: join(home, 'ca.pem'),
      tokenFile: join(home, 'admin.token'),
      registry: REGISTRY,
      registryCaFile: join(home, 'ca.pem'),
    });
  });
  test('in RAMPART_HOME before any directory', async () => {
    assert.equal(
      (await findClientSettings({}, io('project', { RAMPART_HOME: '../elsewhere' }))).address,
      'https://127.0.0.1:9443',
    );
  });
  test('in --data before RAMPART_HOME', async () => {
    assert.equal(
      (await findClientSettings({ data: '../elsewhere' }, io('project', { RAMPART_HOME: join(root, 'empty') })))
        .address,
      'https://127.0.0.1:9443',
    );
  });
  test('by options alone, without any file', async () => {
    assert.deepEqual(
      await findClientSettings({ address: 'https://mesh.example:8443/', ca: 'a.pem', tokenFile: 't' }, io('empty')),
      {
        address: 'https://mesh.example:8443',
        caFile: join(root, 'empty/a.pem'),
        tokenFile: join(root, 'empty/t'),
        registry: undefined,
        registryCaFile: undefined,
      },
    );
  });
  test('with another CA for the line: answers are still held against the one of the mesh', async () => {
    const options = { ca: 'proxy.pem' };
    const all = { ...options, address: CLIENT.address, tokenFile: 't', data: '.rampart' };
    for (const given of [options, all]) {
      const { caFile, registryCaFile } = await findClientSettings(given, io('project'));
      assert.equal(caFile, join(root, 'project/proxy.pem'));
      assert.equal(registryCaFile, join(root, 'project/.rampart/ca.pem'));
    }
  });
  test('not at all: the error says how to start one', async () => {
    await assert.rejects(findClientSettings({ data: 'nothing' }, io('empty')), {
      ...UNREACHABLE,
      message: /rampart up/,
    });
  });
  test('never over plain http', async () => {
    await assert.rejects(findClientSettings({ address: 'http://127.0.0.1:8443' }, io('project')), {
      code: 'INVALID_ARGUMENT',
    });
  });
  for (const directory of ['leaky', 'absolute']) {
    test(`a client file that points outside its directory is not trusted (${directory})`, async () => {
      await assert.rejects(findClientSettings({ data: join(root, directory) }, io('empty')), {
        ...UNREACHABLE,
        message: /outside its own directory/,
      });
    });
  }
  test("another user's client file is not trusted", async () => {
    await writeClient('planted/.rampart', CLIENT);
    // Root owns what root writes and trusts itself, so there the file changes hands; elsewhere the reader does.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(join(root, 'planted/.rampart/client.json'), 4_242, 4_242);
    const reader = isRoot ? io('planted') : { ...io('planted'), userId: 4_242 };
    await assert.rejects(findClientSettings({}, reader), { ...UNREACHABLE, message: /another user/ });
  });
  test('a client file of another shape is refused', async () => {
    await assert.rejects(findClientSettings({ data: join(root, 'odd') }, io('empty')), {
      ...UNREACHABLE,
      message: /rampart up/,
    });
  });
});
