import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { LoopbackDoor } from '../../testing/outbound-door.ts';
import { Talker } from '../../testing/servers.ts';
import type { Observed } from './namespace.fixture.ts';
import { captureRemoval, captureRules } from './nftables.ts';
import type { CaptureRules } from './nftables.ts';
import { loadOriginalDestination, readAddress } from './original-destination.ts';
import { RedirectEntrance } from './redirect-entrance.ts';

const TOOLS = ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/unshare', '/usr/bin/nsenter', '/usr/bin/curl'];

/** Why connections cannot be redirected here; "" where they can. */
function obstacle(): string {
  const missing = TOOLS.filter((tool) => !existsSync(tool));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  if (process.getuid?.() !== 0) return 'needs root, for programs of two users';
  const table = 'table inet probe {\nchain c {\ntype nat hook output priority -100;\n}\n}\n';
  const probe = spawnSync('/usr/bin/unshare', ['-n', '/usr/sbin/nft', '-f', '-'], { input: table });
  return probe.status === 0 ? '' : 'the kernel has no network namespaces, or no nftables, for this process';
}

const skip = obstacle();

describe('rules for full capture', { skip: skip === '' ? false : skip }, () => {
  let observed: Observed;

  before(async () => {
    const program = [process.execPath, join(import.meta.dirname, 'namespace.fixture.ts')];
    const child = spawn('/usr/bin/unshare', ['-n', ...program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    [observed] = (await once(child, 'message')) as [Observed];
  });

  for (const [where, host, port] of [
    ['203.0.113.5:5432', '203.0.113.5', 5432],
    ['[2001:db8::7]:443', '2001:db8::7', 443],
  ] as const) {
    it(`bring what an application opens to ${where} to the sidecar, which knows where it was going`, () => {
      assert.equal(observed.heard[where], `you wanted ${host} ${port}`);
      assert.ok(observed.captured.some((each) => each.host === host && each.port === port));
    });
  }

  for (const [what, where] of [
    ['addresses that are left alone', '192.0.2.1:80'],
    ['ports that are left alone', '203.0.113.5:9'],
    ["the sidecar's own connections", '203.0.113.6:80'],
  ] as const) {
    it(`do not touch ${what}`, () => assert.equal(observed.heard[where], ''));
  }

  it('do not touch what stays within the host', () => {
    assert.equal(observed.within, 'itself');
  });

  it('bring what others open to the application to the mesh port, and nothing else', () => {
    assert.equal(observed.heard['10.77.0.1:8080'], 'the mesh, for 10.77.0.1 8080');
    assert.ok(Object.values(observed.heard).includes(`the mesh, for 10.77.0.1 ${observed.meshPort}`));
  });

  it('a connection to the capture port itself goes nowhere', () => {
    assert.equal(observed.atCapturePort, '');
    assert.deepEqual(observed.refused, ['a connection to the capture port that nobody has redirected']);
    assert.equal(observed.captured.length, 2);
  });

  it('are there once however often they are applied, and gone when they are taken away', () => {
    assert.equal(observed.listed.split('table inet rampart_capture').length, 2);
    assert.match(observed.listed, /type nat hook prerouting/);
    assert.equal(observed.removed, '');
  });
});

describe('the text of the rules', () => {
  it('says what each line is for', () => {
    const text = captureRules({
      exemptUsers: [1337, 101],
      outbound: { port: 15_001, exceptPorts: [22], except: ['10.0.0.0/8', 'fd00::/8'] },
      inbound: { port: 15_006, ports: 'all', exceptPorts: [22] },
    });
    assert.equal(
      text,
      `# Rules of Rampart for the capture of connections. Apply: nft -f FILE
table inet rampart_capture
delete table inet rampart_capture
table inet rampart_capture {
	chain outbound {
		type nat hook output priority -100; policy accept;
		meta skuid { 1337, 101 } return comment "the sidecar's own connections, and those of resolvers"
		oifname "lo" return comment "within this host"
		tcp dport { 22 } return comment "ports that are left alone"
		ip daddr { 10.0.0.0/8 } return comment "IPv4 addresses that are left alone"
		ip6 daddr { fd00::/8 } return comment "IPv6 addresses that are left alone"
		meta l4proto tcp redirect to :15001 comment "all else over TCP, to the sidecar"
	}
	chain inbound {
		type nat hook prerouting priority -100; policy accept;
		iifname "lo" return comment "within this host"
		tcp dport 15006 return comment "what is meant for the sidecar already"
		tcp dport { 22 } return comment "ports that are left alone"
		meta l4proto tcp redirect to :15006 comment "what others open to the application, to the sidecar"
	}
}
`,
    );
    assert.ok(captureRemoval().endsWith('table inet rampart_capture\ndelete table inet rampart_capture\n'));
  });

  const outbound = { port: 15_001 };
  const refused: readonly [rule: string, rules: CaptureRules, problem: RegExp][] = [
    ['nobody is exempt', { exemptUsers: [], outbound }, /must be exempt/],
    ['nobody is exempt from asking names', { exemptUsers: [], dnsPort: 53 }, /must be exempt/],
    ['a port that is none', { exemptUsers: [1], outbound: { port: 0 } }, /^port 0 is not a number from 1 to 65535/],
    ['a user that is none', { exemptUsers: [1.5], outbound }, /^user 1.5 is not/],
    ['a mark that is none', { exemptUsers: [], exemptMarks: [-1], outbound }, /^mark -1 is not/],
    [
      'more than an address',
      { exemptUsers: [1], outbound: { ...outbound, except: ['10.0.0.1 } accept'] } },
      /is not an IP/,
    ],
    ['no port of the application', { exemptUsers: [1], inbound: { port: 1, ports: [] } }, /no port of the application/],
  ];
  for (const [rule, rules, problem] of refused) {
    it(`is not written where ${rule} is asked for`, () =>
      assert.throws(() => captureRules(rules), { message: problem }));
  }
});

describe('an original destination', () => {
  const cases: readonly [rule: string, octets: string, expected: object | undefined][] = [
    ['IPv4', '02001538cb007105000000000000000000000000000000000000', { host: '203.0.113.5', port: 5432 }],
    ['IPv6', '0a0001bb0000000020010db8000000000000000000000007ffffffff', { host: '2001:db8::7', port: 443 }],
    ['another family', '01000000000000000000000000000000', undefined],
  ];
  for (const [rule, octets, expected] of cases) {
    it(`of ${rule}`, () => {
      const value = Uint8Array.from(Buffer.from(octets.padEnd(56, '0'), 'hex'));
      const found = readAddress(value);
      assert.deepEqual(found.ok ? found.value : undefined, expected);
    });
  }

  it('of a connection that nobody has redirected is none', async () => {
    const refused: string[] = [];
    const door = new LoopbackDoor();
    const originalDestination = await loadOriginalDestination();
    const entrance = new RedirectEntrance({
      door,
      originalDestination,
      refused: (reason) => refused.push(reason),
    });
    const server = createServer((socket) => entrance.enter(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const talker = Talker.to((server.address() as AddressInfo).port);
    await until('the end', () => talker.isClosed);
    assert.equal(refused.length, 1);
    assert.deepEqual(door.destinations, []);
    server.close();
  });
});
