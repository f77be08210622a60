import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createSystemClock } from '../../clock.ts';
import { Metrics } from '../../metrics.ts';
import { createSystemRandom } from '../../random.ts';
import { programMissing } from '../../testing/outside-program.ts';
import { OPERATOR, openTestRegistry, type TestRegistry } from '../../testing/test-registry.ts';
import { KeyIndex } from '../instances/key-index.ts';
import { nodeKeys } from '../instances/node-name.ts';
import { type Dns, openDns } from './open-dns.ts';
import type { DnsOptions } from './dns-options.ts';

const run = promisify(execFile);
const missing = programMissing('dig', 'bind9-dnsutils');
const CROWD = 300;

let ground: TestRegistry;
const doors: Dns[] = [];

async function open(options: Partial<DnsOptions> = {}, hidden: readonly string[] = []): Promise<Dns> {
  const metrics = new Metrics();
  const clock = createSystemClock();
  const dns = await openDns({ host: '127.0.0.1', port: 0, clock, random: createSystemRandom(), metrics, ...options });
  doors.push(dns);
  const { discovery } = ground.registry;
  const nodes = new KeyIndex({ discovery, keysOf: nodeKeys });
  dns.serve({ discovery, nodes, mayRead: ({ service }) => !hidden.includes(service) });
  return dns;
}

before(async () => {
  ground = await openTestRegistry();
  const { register } = ground;
  await register('web-1', { host: '10.0.0.1', tags: ['v1', 'Edge'], weights: { passing: 10, warning: 1 } });
  await register('web-2', { host: '10.0.0.2', port: 8081, tags: ['v2'], locality: { region: 'eu', zone: 'eu-1' } });
  await register('web-3', { host: 'fd00::3', port: 8082 });
  const broken = { kind: { type: 'ttl', ttlMs: 60_000 }, initialStatus: 'critical' } as const;
  await register('web-4', { host: '10.0.0.4', checks: [broken] });
  const warned = { kind: { type: 'ttl', ttlMs: 60_000 }, initialStatus: 'warning' } as const;
  await register('warned-1', { host: '10.0.1.1', checks: [warned], weights: { passing: 10, warning: 3 } });
  await register('down-1', { host: '10.0.1.2', checks: [broken] });
  await register('drained-1', { host: '10.0.1.3' });
  await ground.registry.drain(OPERATOR, 'drained-1', { draining: true });
  await register('outside-1', { host: 'DB.example.com', port: 5432 });
  await register('shop-1', { service: 'web', namespace: 'shop', host: '10.1.0.1' });
  await register('secret-1', { host: '10.9.9.9' });
  for (let index = 1; index <= CROWD; index += 1) {
    await register(`crowd-${index}`, { host: `10.2.${index >> 8}.${index & 0xff}` });
  }
});

after(async () => {
  await Promise.all(doors.map((door) => door.close()));
  await ground.registry.close();
});

describe('DNS, asked by the resolver of Node', () => {
  let resolver: Resolver;

  before(async () => {
    const { port } = await open({ ttlSeconds: 7 });
    resolver = new Resolver({ tries: 1, timeout: 3000 });
    resolver.setServers([`127.0.0.1:${port}`]);
  });

  it('A has the addresses of what can be used, each once', async () => {
    const found = await resolver.resolve4('web.service.consul');
    assert.deepEqual(found.toSorted(), ['10.0.0.1', '10.0.0.2']);
  });

  it('AAAA has those of the other family', async () => {
    assert.deepEqual(await resolver.resolve6('web.service.consul'), ['fd00::3']);
  });

  it('SRV has ports and weights, and names that have addresses', async () => {
    const found = await resolver.resolveSrv('_web._tcp.service.consul');
    const byPort = found.toSorted((a, b) => a.port - b.port);
    assert.deepEqual(
      byPort.map(({ port, weight, priority }) => [port, weight, priority]),
      [
        [8080, 10, 1],
        [8081, 1, 1],
        [8082, 1, 1],
      ],
    );
    const [first, , third] = byPort;
    assert.deepEqual(await resolver.resolve4(first?.name ?? ''), ['10.0.0.1']);
    assert.deepEqual(await resolver.resolve6(third?.name ?? ''), ['fd00::3']);
  });

  it('an instance that warns has the weight for that', async () => {
    assert.deepEqual(
      (await resolver.resolveSrv('warned.service.consul')).map(({ weight }) => weight),
      [3],
    );
  });

  it('tags narrow it down, in any case', async () => {
    assert.deepEqual(await resolver.resolve4('edge.web.service.consul'), ['10.0.0.1']);
    assert.deepEqual(await resolver.resolve4('_web._v2.service.dc1.consul'), ['10.0.0.2']);
  });

  it('names of the mesh have the namespace', async () => {
    assert.deepEqual(await resolver.resolve4('web.shop.mesh'), ['10.1.0.1']);
    assert.deepEqual(await resolver.resolve4('web.service.shop.ns.dc1.dc.consul'), ['10.1.0.1']);
    assert.deepEqual((await resolver.resolve4('Web.Default.MESH')).toSorted(), ['10.0.0.1', '10.0.0.2']);
  });

  it('answers say how long they may be kept', async () => {
    const [first] = await resolver.resolve4('web.shop.mesh', { ttl: true });
    assert.deepEqual(first, { address: '10.1.0.1', ttl: 7 });
  });

  it('a host name is an alias', async () => {
    assert.deepEqual(await resolver.resolveCname('outside.service.consul'), ['db.example.com']);
  });

  it('addresses lead back to services', async () => {
    assert.deepEqual(await resolver.reverse('10.0.0.1'), ['web.service.dc1.consul']);
    assert.deepEqual(await resolver.reverse('fd00::3'), ['web.service.dc1.consul']);
    assert.deepEqual(await resolver.reverse('10.1.0.1'), ['web.shop.mesh']);
  });

  it('nodes have addresses and say where they are', async () => {
    assert.deepEqual(await resolver.resolve4('ip-10-0-0-2.node.consul'), ['10.0.0.2']);
    assert.deepEqual((await resolver.resolveTxt('ip-10-0-0-2.node.dc1.consul')).flat().toSorted(), [
      'region=eu',
      'zone=eu-1',
    ]);
  });

  it('zones have a SOA and a name server', async () => {
    const soa = await resolver.resolveSoa('consul');
    assert.deepEqual([soa.nsname, soa.hostmaster, soa.minttl], ['ns.consul', 'hostmaster.consul', 0]);
    assert.deepEqual(await resolver.resolveNs('mesh'), ['ns.mesh']);
    assert.deepEqual(await resolver.resolve4('ns.mesh'), ['127.0.0.1']);
  });

  it('a long answer comes over TCP, whole', async () => {
    assert.equal((await resolver.resolve4('crowd.service.consul')).length, CROWD);
    assert.equal((await resolver.resolveSrv('crowd.service.consul')).length, CROWD);
  });

  for (const [name, code] of [
    ['nobody.service.consul', 'ENOTFOUND'],
    ['down.service.consul', 'ENOTFOUND'],
    ['drained.service.consul', 'ENOTFOUND'],
    ['web.service.dc2.consul', 'ENOTFOUND'],
    ['v9.web.service.consul', 'ENOTFOUND'],
    ['nobody.nowhere.mesh', 'ENOTFOUND'],
    ['service.consul', 'ENODATA'],
    ['shop.mesh', 'ENODATA'],
    ['nowhere.mesh', 'ENODATA'],
    ['example.org', 'EREFUSED'],
  ] as const) {
    it(`${name} gets ${code}`, async () => {
      await assert.rejects(resolver.resolve4(name), { code });
    });
  }

  it('what nobody may know of is not there, in either direction', async () => {
    const { port } = await open({}, ['secret']);
    const stranger = new Resolver({ tries: 1, timeout: 3000 });
    stranger.setServers([`127.0.0.1:${port}`]);
    await assert.rejects(stranger.resolve4('secret.service.consul'), { code: 'ENOTFOUND' });
    await assert.rejects(stranger.resolve4('ip-10-9-9-9.node.consul'), { code: 'ENOTFOUND' });
    await assert.rejects(stranger.resolvePtr('9.9.9.10.in-addr.arpa'), { code: 'EREFUSED' });
  });

  it('other names are asked elsewhere when told so', async () => {
    const elsewhere = await open();
    const { port } = await open({ forwardTo: [{ host: '127.0.0.1', port: elsewhere.port }] }, ['secret']);
    const asker = new Resolver({ tries: 1, timeout: 3000 });
    asker.setServers([`127.0.0.1:${port}`]);
    assert.deepEqual(await asker.resolvePtr('9.9.9.10.in-addr.arpa'), ['secret.service.dc1.consul']);
    await assert.rejects(asker.resolve4('example.org'), { code: 'EREFUSED' });
    const silent = createSocket('udp4');
    silent.bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const deaf = await open({ forwardTo: [{ host: '127.0.0.1', port: silent.address().port }] });
    asker.setServers([`127.0.0.1:${deaf.port}`]);
    await assert.rejects(asker.resolve4('example.org'), { code: 'ESERVFAIL' });
    silent.close();
  });
});

describe('DNS, asked by dig', { skip: missing }, () => {
  let port: number;

  before(async () => {
    ({ port } = await open());
  });

  async function dig(...args: string[]): Promise<string> {
    const { stdout } = await run('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=3', ...args]);
    return stdout;
  }

  it('an SRV answer brings its addresses along', async () => {
    const text = await dig('web.service.consul', 'SRV');
    assert.match(text, /flags: qr aa rd; QUERY: 1, ANSWER: 3, AUTHORITY: 0, ADDITIONAL: 4/);
    assert.match(text, /0a000001\.addr\.dc1\.consul\. 0\s+IN\s+A\s+10\.0\.0\.1/);
  });

  it('nothing has the record that says how long', async () => {
    const text = await dig('nobody.service.consul');
    assert.match(text, /status: NXDOMAIN/);
    assert.match(text, /consul\.\s+0\s+IN\s+SOA\s+ns\.consul\. hostmaster\.consul\./);
  });

  it('an answer is as long as the asker takes it, 512 bytes without EDNS and 1232 with', async () => {
    for (const [options, most] of [
      [['+noedns'], 512],
      [['+bufsize=4096'], 1232],
      [['+bufsize=600'], 600],
    ] as const) {
      const text = await dig('crowd.service.consul', '+ignore', ...options);
      assert.match(text, /flags: qr aa tc/);
      const size = Number(/MSG SIZE\s+rcvd: (\d+)/.exec(text)?.[1]);
      assert.ok(size <= most && size > most - 64, `${size} of ${most}`);
    }
  });

  it('answers are in another order each time', async () => {
    const first = await dig('crowd.service.consul', '+tcp', '+short');
    assert.notEqual(await dig('crowd.service.consul', '+tcp', '+short'), first);
  });

  for (const [rule, args, status] of [
    ['another class is refused', ['-c', 'CH', 'version.bind', 'TXT'], 'REFUSED'],
    ['a transfer is refused', ['consul', 'AXFR', '+tcp'], 'Transfer failed'],
    ['an update is no query', ['+opcode=UPDATE', 'consul', 'SOA'], 'NOTIMP'],
    ['EDNS of another version', ['+edns=1', '+noednsneg', 'web.service.consul'], 'BADVERS'],
    ['names beyond ours are refused', ['example.org'], 'REFUSED'],
  ] as const) {
    it(rule, async () => assert.match(await dig(...args), new RegExp(status)));
  }
});

describe('DNS under attack', () => {
  const question = Buffer.from('12340100000100000000000003776562077365727669636506636f6e73756c0000010001', 'hex');

  async function exchange(port: number, packets: readonly Uint8Array[]): Promise<Buffer[]> {
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const answers: Buffer[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.on('message', (message) => {
      answers.push(message);
      if (message.readUInt16BE(0) === 0xffff) resolve();
    });
    for (const packet of packets) socket.send(packet);
    const last = Buffer.from(question);
    last.writeUInt16BE(0xffff, 0);
    socket.send(last);
    await promise;
    socket.close();
    return answers.slice(0, -1);
  }

  it('what is malformed gets FORMERR or nothing, and the next question its answer', async () => {
    const { port } = await open();
    const many = Buffer.concat([Buffer.from('123401000fff000000000000', 'hex'), Buffer.alloc(60_000)]);
    const loop = Buffer.from('123401000001000000000000c00c00010001', 'hex');
    const answers = await exchange(port, [Buffer.alloc(0), Buffer.of(1), question.subarray(0, 20), loop, many]);
    assert.deepEqual(
      answers.map((answer) => (answer[3] ?? 0) & 0xf),
      [1, 1, 1],
    );
    assert.ok(
      answers.every(({ length }) => length === 12),
      'no longer than what was sent',
    );
  });

  it('an answer is never answered', async () => {
    const { port } = await open();
    const reflected = Buffer.from(question);
    reflected[2] = 0x81;
    assert.deepEqual(await exchange(port, [reflected]), []);
  });

  it('over TCP, questions come one after the other and a claim of 64 KiB ends it', async () => {
    const { port } = await open();
    const framed = Buffer.concat([Buffer.of(0, question.length), question]);
    const socket = connect(port, '127.0.0.1');
    let received = 0;
    const twice = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        received += chunk.length;
        if (received === 2 * (2 + question.length + 2 * 16)) resolve();
      });
    });
    socket.write(Buffer.concat([framed, framed.subarray(0, 5)]));
    socket.write(framed.subarray(5));
    await twice;
    socket.write(Buffer.of(0xff, 0xff, 1));
    await once(socket, 'close');
  });

  it('a port that is in use is said so', async () => {
    const { port } = await open();
    await assert.rejects(open({ port }), { code: 'PORT_IN_USE' });
  });
});
