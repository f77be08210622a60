import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { deadSelectorReason } from '@rampart/core';
import { bindingText } from '@rampart/spiffe';
import { signCallerIdentity, StsServer } from '@rampart/testkit';
import type { AwsCredentials, SigningOptions } from '@rampart/testkit';
import { csr } from '../../fixture.ts';
import type { AwsIamEvidence } from '../evidence.ts';
import { attestor, entry, openNewcomers, WEB_ID } from '../newcomer.fixture.ts';
import type { Newcomers } from '../newcomer.fixture.ts';

const ACCOUNT = '123456789012';
const ROLE: AwsCredentials = {
  accessKey: 'ASIAROLE',
  secretKey: 'role-secret',
  sessionToken: 'session-token/with+signs=',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/web/i-0abc`,
};
const USER: AwsCredentials = {
  accessKey: 'AKIAUSER',
  secretKey: 's',
  arn: `arn:aws:iam::${ACCOUNT}:user/ops/ann@corp`,
};
const ROOT: AwsCredentials = { accessKey: 'AKIAROOT', secretKey: 's', arn: `arn:aws:iam::${ACCOUNT}:root` };
const STRANGER: AwsCredentials = {
  ...ROLE,
  accessKey: 'ASIAOTHER',
  arn: 'arn:aws:sts::210987654321:assumed-role/web/i-1',
};

let all: Newcomers;
let sts: StsServer;

before(async () => {
  sts = await StsServer.start(() => all?.clock.time ?? Date.now(), [ROLE, USER, ROOT, STRANGER]);
});
after(() => sts.close());
beforeEach(async () => {
  sts.mood = 'well';
  all = await openNewcomers({ attestors: [trusting()], entries: [entry(['aws_iam:role:web'])], now: Date.now() });
});

function trusting(spec: object = {}, rest: object = {}): ReturnType<typeof attestor> {
  const awsIam = { stsEndpoint: sts.url, accounts: [ACCOUNT], caBundle: sts.ca, ...spec };
  return attestor({ awsIam, ...rest }, 'aws');
}

interface Attempt {
  readonly evidence: AwsIamEvidence;
  readonly csr: Uint8Array;
}

/** What an honest newcomer sends. */
function sign(credentials: AwsCredentials = ROLE, options: Partial<SigningOptions> = {}): Attempt {
  const request = csr();
  const { nonce } = all.authority.challenge();
  const serverId = bindingText({ label: 'rampart aws-iam v1', trustDomain: 'cluster.local', nonce, csr: request });
  const headers = { 'x-rampart-server-id': serverId, ...options.headers };
  const call = signCallerIdentity(credentials, { now: all.clock.time, url: sts.url, ...options, headers });
  return { evidence: { kind: 'aws_iam', ...call, nonce }, csr: request };
}

function changed(change: (evidence: AwsIamEvidence) => Partial<AwsIamEvidence>, attempt: Attempt = sign()): Attempt {
  return { ...attempt, evidence: { ...attempt.evidence, ...change(attempt.evidence) } };
}

function withHeader(name: string, value: string): Attempt {
  return changed(({ headers }) => ({ headers: { ...headers, [name]: value } }));
}

function attest({ evidence, csr: request }: Attempt, agent = false): ReturnType<Newcomers['attest']> {
  return all.attest(evidence, { csr: request, agent });
}

describe('a signed request for GetCallerIdentity', () => {
  it('gives the identity of its entry, by what STS says of its signer', async () => {
    const attested = await attest(sign());
    assert.ok(attested.ok, attested.ok ? '' : attested.problem.message);
    assert.equal(attested.value.spiffeId.toString(), WEB_ID);
    const [, success] = await all.audit();
    for (const selector of (success?.details['selectors'] ?? []) as readonly string[]) {
      assert.equal(deadSelectorReason(selector), undefined, 'entries with it are warned of');
    }
    assert.deepEqual(success?.details['selectors'], [
      'aws_iam:attestor:aws',
      `aws_iam:account:${ACCOUNT}`,
      `aws_iam:arn:${ROLE.arn}`,
      `aws_iam:principal:arn:aws:iam::${ACCOUNT}:role/web`,
      'aws_iam:role:web',
      'aws_iam:session:i-0abc',
    ]);
  });

  it('leaves no credential on record', async () => {
    const attempt = sign();
    await attest(attempt);
    await attest(attempt);
    const record = JSON.stringify([await all.audit(), await all.ledger()]);
    for (const secret of [ROLE.sessionToken ?? '', attempt.evidence.headers['authorization']?.slice(-64) ?? '']) {
      assert.ok(!record.includes(secret));
    }
  });

  it('of a user makes an agent of that user, where the attestor says so', async () => {
    all.registered.attestors = [trusting({}, { agents: { selectors: [`aws_iam:account:${ACCOUNT}`] } })];
    const user = await attest(sign(USER), true);
    assert.match(
      user.ok ? user.value.spiffeId.toString() : '',
      /\/agent\/aws_iam\/123456789012\/user\/sha256-[0-9a-f]{64}$/,
    );
    const role = await attest(sign(ROLE), true);
    assert.match(role.ok ? role.value.spiffeId.toString() : '', /\/agent\/aws_iam\/123456789012\/web\/i-0abc$/);
  });

  it('is sent on with what was signed, and nothing else', async () => {
    const from = sts.asked.length;
    const attempt = changed(({ headers }) => ({ headers: { ...headers, 'x-evil': '1', cookie: 'a' } }));
    assert.ok((await attest(attempt)).ok);
    assert.deepEqual(Object.keys(sts.asked[from] ?? {}).toSorted(), [
      ...['authorization', 'connection', 'content-length', 'content-type', 'host'],
      ...['x-amz-date', 'x-amz-security-token', 'x-rampart-server-id'],
    ]);
  });

  it('counts once', async () => {
    const attempt = sign();
    assert.ok((await attest(attempt)).ok);
    await all.assertRefused(await attest(attempt), 'nonce-used');
  });

  it('of a role that the attestor names by pattern is taken, of others not', async () => {
    for (const [principals, taken] of [
      [[`arn:aws:iam::${ACCOUNT}:role/web`], true],
      [[`arn:aws:iam::${ACCOUNT}:role/w*`], true],
      [[`arn:aws:iam::${ACCOUNT}:role/db`, '*'], true],
      [[`arn:aws:iam::${ACCOUNT}:role/db`], false],
    ] as const) {
      all.registered.attestors = [trusting({ principals })];
      const attested = await attest(sign());
      if (taken) assert.ok(attested.ok);
      else await all.assertRefused(attested, 'aws-principal');
    }
  });

  const unsent: readonly (readonly [rule: string, what: string, attempt: () => Attempt])[] = [
    ['nonce-unknown', 'a nonce nobody gave out', () => changed(() => ({ nonce: new Uint8Array(56) }))],
    ['aws-binding', 'another certificate signing request', () => ({ ...sign(), csr: csr() })],
    ['aws-binding', 'another challenge', () => changed(() => ({ nonce: all.authority.challenge().nonce }))],
    ['aws-binding', 'no binding', () => sign(ROLE, { headers: { 'x-rampart-server-id': '' } })],
    ['aws-unsigned-header', 'a binding that is not signed', () => sign(ROLE, { unsigned: ['x-rampart-server-id'] })],
    ['aws-unsigned-header', 'a date that is not signed', () => sign(ROLE, { unsigned: ['x-amz-date'] })],
    ['aws-unsigned-header', 'a host that is not signed', () => sign(ROLE, { unsigned: ['host'] })],
    ['aws-method', 'another method', () => changed(() => ({ method: 'GET' }))],
    ['aws-endpoint', 'another host', () => changed(() => ({ url: 'https://evil.example/' }))],
    ['aws-endpoint', 'another path', () => changed(({ url }) => ({ url: `${url}x` }))],
    ['aws-endpoint', 'a query', () => changed(({ url }) => ({ url: `${url}?Action=GetCallerIdentity` }))],
    ['aws-endpoint', 'user information', () => changed(({ url }) => ({ url: url.replace('//', '//sts@') }))],
    ['aws-endpoint', 'plaintext', () => changed(({ url }) => ({ url: url.replace('https', 'http') }))],
    ['aws-endpoint', 'another host in the header', () => withHeader('host', 'evil.example')],
    ['aws-question', 'another action', () => sign(ROLE, { body: 'Action=AssumeRole&Version=2011-06-15' })],
    ['aws-question', 'two actions', () => sign(ROLE, { body: 'Action=GetCallerIdentity&Action=AssumeRole' })],
    [
      'aws-question',
      'the action twice',
      () => sign(ROLE, { body: 'Action=GetCallerIdentity&Action=GetCallerIdentity' }),
    ],
    ['aws-question', 'more fields', () => sign(ROLE, { body: 'Action=GetCallerIdentity&Version=2011-06-15&x=1' })],
    ['aws-question', 'a large body', () => changed(() => ({ body: new Uint8Array(2000) }))],
    ['aws-question', 'another content type', () => withHeader('content-type', 'application/json')],
    ['aws-header', 'a header twice', () => withHeader('Authorization', 'x')],
    ['aws-header', 'a header with a line break', () => withHeader('user-agent', 'x\r\nhost: evil.example')],
    [
      'aws-header',
      'a signed header that is not passed on',
      () => sign(ROLE, { headers: { 'x-http-method-override': 'GET' } }),
    ],
    [
      'aws-signature-form',
      'no signature',
      () => changed(({ headers: { authorization: _, ...headers } }) => ({ headers })),
    ],
    ['aws-signature-form', 'another scheme', () => withHeader('authorization', 'Bearer x')],
    [
      'aws-no-attestor',
      'no attestor',
      () => {
        all.registered.attestors = [];
        return sign();
      },
    ],
  ];
  for (const [rule, what, attempt] of unsent) {
    it(`is refused by rule ${rule}, unsent, for ${what}`, async () => {
      const from = sts.asked.length;
      await all.assertRefused(await attest(attempt()), rule);
      assert.equal(sts.asked.length, from);
    });
  }

  const answered: readonly (readonly [rule: string, what: string, attempt: () => Attempt])[] = [
    ['aws-refused', 'a wrong secret', () => sign({ ...ROLE, secretKey: 'guess' })],
    ['aws-refused', 'an access key nobody has', () => sign({ ...ROLE, accessKey: 'ASIANOBODY' })],
    ['aws-refused', 'another date', () => withHeader('x-amz-date', '20200101T000000Z')],
    ['aws-refused', 'a signature of half an hour ago', () => sign(ROLE, { now: all.clock.time - 1_800_000 })],
    ['aws-refused', 'a session token that was changed', () => withHeader('x-amz-security-token', 'x')],
    ['aws-account', 'another account', () => sign(STRANGER)],
    ['aws-answer', 'the root user of an account', () => sign(ROOT)],
    ['entry-none', 'a user without entry', () => sign(USER)],
  ];
  for (const [rule, what, attempt] of answered) {
    it(`is refused by rule ${rule} for ${what}`, async () => all.assertRefused(await attest(attempt()), rule));
  }

  const moods = [
    ['aws-unavailable', 'away'],
    ['aws-unavailable', 'endless'],
    ['aws-refused', 'redirecting'],
    ['aws-answer', 'lying'],
  ] as const;
  for (const [rule, mood] of moods) {
    it(`is refused by rule ${rule} while STS is ${mood}`, async () => {
      sts.mood = mood;
      await all.assertRefused(await attest(sign()), rule);
    });
  }

  it('is not sent where nobody vouches for the certificate of STS', async () => {
    all.registered.attestors = [attestor({ awsIam: { stsEndpoint: sts.url, accounts: [ACCOUNT] } })];
    const from = sts.asked.length;
    await all.assertRefused(await attest(sign()), 'aws-unavailable');
    assert.equal(sts.asked.length, from);
  });
});
