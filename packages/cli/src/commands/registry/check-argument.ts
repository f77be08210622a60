import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CheckRegistrationSchema } from '@rampart/wire';
import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';

/** A health check as it is asked for on the command line. */
export type CheckArgument = Exclude<MessageInitShape<typeof CheckRegistrationSchema>, { $typeName: string }>;

const FORMS = 'http:/path, https:/path, tcp, grpc, grpc:service, ttl:30s, or script:program argument …';

/** Adds "https:/health" to the checks given so far. */
export function collectCheck(text: string, earlier: readonly CheckArgument[] | undefined): readonly CheckArgument[] {
  return [...(earlier ?? []), { kind: kindOf(text) }];
}

function kindOf(text: string): NonNullable<CheckArgument['kind']> {
  const [, type = text, rest = ''] = /^([a-z]+):([^]*)$/.exec(text) ?? [];
  switch (type) {
    case 'http':
    case 'https':
      if (rest.startsWith('/')) return { case: 'http', value: { scheme: type, path: rest } };
      break;
    case 'tcp':
      if (rest === '') return { case: 'tcp', value: {} };
      break;
    case 'grpc':
      return { case: 'grpc', value: { tls: false, service: rest } };
    case 'grpcs':
      return { case: 'grpc', value: { tls: true, service: rest } };
    case 'ttl':
      return { case: 'ttl', value: { ttlMs: BigInt(parseDuration(rest)) } };
    case 'script':
      if (rest !== '') return { case: 'script', value: { args: rest.split(' ') } };
  }
  throw new InvalidArgumentError(`write ${FORMS}.`);
}
