import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { after, before, it } from 'node:test';
import { createLogger } from '../../log.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';

const WATCH = 'rampart.v1.RegistryService/Watch';
const planes = new TestPlanes();
const lines: string[] = [];

before(async () => {
  await planes.open();
  const destination = { write: (text: string) => void lines.push(text) };
  await planes.start({ log: createLogger({ level: 'info', pretty: false, destination }) });
});
after(() => planes.close());

it('a caller that goes away in the middle of its message is no failure of ours', async () => {
  const { addresses, caFile, adminTokenFile } = planes.latest;
  const token = (await readFile(adminTokenFile, 'utf8')).trim();
  const session = connect(addresses.api, { ca: await readFile(caFile) });
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${WATCH}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${token}`,
  });
  stream.on('error', () => undefined);
  stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), () => session.destroy());
  await until('the call is counted', async () => {
    const text = await (await fetch(`${addresses.metrics}/metrics`)).text();
    return text.split('\n').some((line) => line.startsWith('rampart_calls_total') && line.includes(WATCH));
  });
  assert.doesNotMatch(lines.join(''), /a call failed/);
});
