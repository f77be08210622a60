import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { StsServer, until } from '@rampart/testkit';
import type { AwsCredentials } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { runProgram } from '../harness/program.ts';
import { Workload } from '../harness/workload.ts';

const ACCOUNT = '123456789012';
const ROLE: AwsCredentials = {
  accessKey: 'ASIAROLE',
  secretKey: 'role-secret/with+signs',
  sessionToken: 'session/token+of=role',
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/web/i-0abc`,
};
const USER: AwsCredentials = {
  accessKey: 'AKIAUSER',
  secretKey: 'user-secret',
  arn: `arn:aws:iam::${ACCOUNT}:user/ann`,
};
const IMDS_TOKEN = 'imds-token';

/** The metadata service of a machine (IMDSv2) and that of a container, as AWS describes them. */
function metadataOf(request: IncomingMessage): string | undefined {
  const { AccessKeyId, SecretAccessKey, Token } = {
    AccessKeyId: ROLE.accessKey,
    SecretAccessKey: ROLE.secretKey,
    Token: ROLE.sessionToken,
  };
  const credentials = JSON.stringify({ Code: 'Success', AccessKeyId, SecretAccessKey, Token });
  const { method, url, headers } = request;
  if (
    method === 'PUT' &&
    url === '/latest/api/token' &&
    headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined
  ) {
    return IMDS_TOKEN;
  }
  if (url === '/container' && headers.authorization === 'pod-token') return credentials;
  if (headers['x-aws-ec2-metadata-token'] !== IMDS_TOKEN) return undefined;
  if (url === '/latest/meta-data/iam/security-credentials/') return 'web-role';
  return url === '/latest/meta-data/iam/security-credentials/web-role' ? credentials : undefined;
}

describe('workloads that attest as a role or user of AWS', () => {
  let plane: ControlPlaneProcess;
  let sts: StsServer;
  let metadata: Server;
  let metadataUrl = '';
  const started: Workload[] = [];

  before(async () => {
    sts = await StsServer.start(() => Date.now(), [ROLE, USER]);
    metadata = createServer((request, response) => {
      const answer = metadataOf(request);
      response.writeHead(answer === undefined ? 401 : 200).end(answer);
    }).listen(0, '127.0.0.1');
    await once(metadata, 'listening');
    metadataUrl = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`;
    plane = await ControlPlaneProcess.start();
    await plane.apply(
      [
        resource(
          'Attestor',
          { name: 'aws' },
          { awsIam: { stsEndpoint: sts.url, accounts: [ACCOUNT], caBundle: sts.ca } },
        ),
        entryOf('web', 'aws_iam:role:web'),
        entryOf('ann', 'aws_iam:user:ann'),
      ].join('\n---\n'),
    );
  });

  after(async () => {
    await Promise.all(started.map((workload) => workload.kill()));
    await plane.stop();
    await sts.close();
    metadata.closeAllConnections();
    metadata.close();
  });

  function resource(kind: string, metadata: object, spec: object): string {
    return JSON.stringify({ apiVersion: 'rampart.dev/v1', kind, metadata, spec });
  }

  function entryOf(name: string, selector: string): string {
    const spec = {
      spiffeId: `spiffe://cluster.local/ns/prod/sa/${name}`,
      selectors: ['aws_iam:attestor:aws', selector],
    };
    return resource('RegistrationEntry', { name, namespace: 'prod' }, { ...spec, service: name });
  }

  const common = (): Record<string, string> => ({
    RAMPART_CONTROL_PLANE: plane.address,
    RAMPART_CA_FILE: plane.caFile,
    RAMPART_ATTESTATION: 'aws-iam',
    RAMPART_AWS_STS_ENDPOINT: sts.url,
  });

  const sources: readonly (readonly [what: string, service: string, env: () => Record<string, string>])[] = [
    ['its machine', 'web', () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataUrl, AWS_REGION: 'eu-central-1' })],
    [
      'its container',
      'web',
      () => ({
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${metadataUrl}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod-token',
      }),
    ],
    ['its environment', 'ann', () => ({ AWS_ACCESS_KEY_ID: USER.accessKey, AWS_SECRET_ACCESS_KEY: USER.secretKey })],
  ];
  for (const [what, service, env] of sources) {
    it(`one that finds its credentials in ${what}`, async () => {
      const workload = await Workload.launch({ script: 'echo.mjs', serviceAccount: '' }, { ...common(), ...env() });
      started.push(workload);
      await plane.registered(service, workload.port);
    });
  }

  it('are told what is wrong, and nobody is told a secret', async () => {
    const wrong = {
      AWS_ACCESS_KEY_ID: ROLE.accessKey,
      AWS_SECRET_ACCESS_KEY: 'guessed',
      AWS_SESSION_TOKEN: ROLE.sessionToken ?? '',
    };
    const env = { ...common(), ...wrong, RAMPART_START_TIMEOUT_MS: '1000' };
    const end = await runProgram('', { env });
    assert.match(end.stderr, /aws-refused/);
    assert.ok(!end.stderr.includes('guessed') && !end.stderr.includes(ROLE.sessionToken ?? ''));
    await until('the refusal on record', async () => {
      const { records } = await plane.admin.queryAudit({ limit: 20 });
      return records.some((record) => record.includes('aws-refused'));
    });
  });
});
