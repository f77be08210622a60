import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { Metrics } from '../../metrics.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { openTestRegistry, type TestRegistry } from '../../testing/test-registry.ts';
import { KeyIndex } from '../instances/key-index.ts';
import { nodeKeys } from '../instances/node-name.ts';
import { Forwarder, type Transport } from './forwarder.ts';
import { Responder } from './responder.ts';
import { ZoneAnswers } from './zone-answers.ts';

const QUESTION = Buffer.from('12340100000100000000000003776562077365727669636506636f6e73756c0000010001', 'hex');
const ELSEWHERE = Buffer.from('123401000001000000000000076578616d706c6500 00010001'.replace(' ', ''), 'hex');
const RATE = { perSecond: 1, burst: 2 };
const LARGEST_UDP = 1232;

describe('the responder', () => {
  let ground: TestRegistry;

  before(async () => {
    ground = await openTestRegistry();
    for (let index = 1; index <= 200; index += 1) await ground.register(`web-${index}`, { host: `10.0.0.${index}` });
  });
  after(() => ground.registry.close());

  function open(clock = new ManualClock()): { responder: Responder; metrics: Metrics; clock: ManualClock } {
    const { discovery } = ground.registry;
    const metrics = new Metrics();
    const zones = new ZoneAnswers({
      discovery,
      nodes: new KeyIndex({ discovery, keysOf: nodeKeys }),
      mayRead: () => true,
      datacenter: 'dc1',
      namespace: 'default',
      ttlSeconds: 0,
      negativeTtlSeconds: 0,
      address: undefined,
      random: () => 0.5,
      now: () => clock.now(),
    });
    const forwarder = new Forwarder({ upstreams: [], clock });
    const outcomes = metrics.counter('rampart_dns_queries_total', 'Queries.');
    return { responder: new Responder({ zones, forwarder, rate: RATE, clock, outcomes }), metrics, clock };
  }

  /** "full", "tcp" for "ask over TCP", "none". */
  async function ask(responder: Responder, address: string, transport: Transport = 'udp'): Promise<string> {
    const answer = await responder.respond(QUESTION, { address, transport });
    if (answer === undefined) return 'none';
    const isTruncated = ((answer[2] ?? 0) & 2) !== 0;
    if (isTruncated && answer.length <= QUESTION.length) return 'tcp';
    return 'full';
  }

  it('sends a spoofed source no more than the rate allows, then no more than it was sent, then nothing', async () => {
    const { responder, clock } = open();
    const answers: string[] = [];
    for (let count = 0; count < 30; count += 1) answers.push(await ask(responder, '192.0.2.1'));
    assert.deepEqual([answers.indexOf('tcp'), answers.indexOf('none')], [2, 20]);
    assert.equal(await ask(responder, '198.51.100.1'), 'full', 'others are not concerned');
    clock.advance(3000);
    assert.equal(await ask(responder, '192.0.2.1'), 'full', 'it passes');
  });

  it('trusts an address over TCP to be there, and its own host', async () => {
    const { responder } = open();
    for (let count = 0; count < 5; count += 1) {
      assert.equal(await ask(responder, '192.0.2.2', 'tcp'), 'full');
      assert.equal(await ask(responder, '127.0.0.1'), 'full');
    }
  });

  it('is no resolver for the world', async () => {
    const { responder } = open();
    for (const [address, rcode] of [
      ['192.0.2.3', 5],
      ['10.1.2.3', 2],
      ['fd00::1', 2],
    ] as const) {
      const answer = await responder.respond(ELSEWHERE, { address, transport: 'udp' });
      assert.equal((answer?.[3] ?? 0) & 0xf, rcode, address);
    }
  });

  it('counts what became of each query', async () => {
    const { responder, metrics } = open();
    await ask(responder, '192.0.2.4');
    await responder.respond(Buffer.of(1), { address: '192.0.2.4', transport: 'udp' });
    const text = metrics.render();
    assert.match(text, /rampart_dns_queries_total\{transport="udp",outcome="NOERROR"\} 1/);
    assert.match(text, /rampart_dns_queries_total\{transport="udp",outcome="NOISE"\} 1/);
  });

  it('whatever it is sent, answers with a sound message of bounded length or not at all', async () => {
    const { responder } = open();
    const changed = fc.array(fc.tuple(fc.nat(QUESTION.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const bytes = Uint8Array.from(QUESTION);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(changed, fc.uint8Array({ maxLength: 300 })), async (packet) => {
        const answer = await responder.respond(packet, { address: '127.0.0.1', transport: 'udp' });
        if (answer === undefined) return;
        assert.deepEqual(answer.subarray(0, 2), packet.subarray(0, 2), 'another id');
        assert.ok(((answer[2] ?? 0) & 0x80) !== 0, 'no response');
        assert.ok(answer.length >= 12 && answer.length <= LARGEST_UDP, `${answer.length} bytes`);
      }),
      { numRuns: 2000 },
    );
  });
});
