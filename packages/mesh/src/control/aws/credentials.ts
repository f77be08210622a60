import { readFileSync } from 'node:fs';

import type { AwsCredentials } from '../caller-identity.ts';

import { ask } from './metadata-client.ts';

type Environment = Record<string, string | undefined>;

const ECS = 'http://169.254.170.2';
const EC2 = 'http://169.254.169.254';
const TOKEN_SECONDS = '300';

/**
 * The credentials of this process by the rules of the AWS SDKs: those of the environment, of its container (ECS, EKS Pod
 * Identity), or of its machine (IMDSv2). Rejects with an `Error` that says which of them failed and why.
 */
export async function readAwsCredentials(env: Environment): Promise<AwsCredentials> {
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const sessionToken = env['AWS_SESSION_TOKEN'];
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  }
  const container = containerUrl(env);
  return container === undefined ? ofMachine(env) : ofContainer(container, env);
}

function containerUrl(env: Environment): URL | undefined {
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  if (relative !== undefined) return new URL(relative, ECS);
  const full = env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  return full === undefined ? undefined : new URL(full);
}

async function ofContainer(url: URL, env: Environment): Promise<AwsCredentials> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file === undefined ? env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] : readFileSync(file, 'utf8').trim();
  return credentialsOf(await ask(url, { headers: token === undefined ? {} : { authorization: token } }), url);
}

async function ofMachine(env: Environment): Promise<AwsCredentials> {
  const base = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? EC2;
  const token = await ask(new URL('/latest/api/token', base), {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': TOKEN_SECONDS },
  });
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = new URL('/latest/meta-data/iam/security-credentials/', base);
  const [role = ''] = (await ask(roles, { headers })).split('\n');
  const url = new URL(encodeURIComponent(role.trim()), roles);
  return credentialsOf(await ask(url, { headers }), url);
}

function credentialsOf(text: string, url: URL): AwsCredentials {
  const { AccessKeyId, SecretAccessKey, Token } = JSON.parse(text) as Record<string, unknown>;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string' || typeof Token !== 'string') {
    throw new Error(`${url.origin} answered with something that holds no credentials`);
  }
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token };
}
