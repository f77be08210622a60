import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../arguments/duration.ts';
import { parseLimit } from '../arguments/number.ts';
import { collectText, type Pairs } from '../arguments/pair.ts';
import { parsePlace, type Place } from '../arguments/place.ts';
import { collectCheck } from '../commands/registry/check-argument.ts';
import { collectMetadata } from '../commands/registry/metadata.ts';

/** What the instances of a service say of themselves, as options of the command line. */
export interface InstanceOptions {
  readonly tag?: readonly string[];
  readonly meta?: Pairs;
  readonly weight?: number;
  readonly locality?: Place;
  readonly serviceVersion?: string;
  readonly check?: readonly string[];
  readonly interval?: number;
  readonly deregisterAfter?: number;
}

export function instanceOptions(): readonly Option[] {
  return [
    new Option('--tag <tag>', 'tag of its instances; may be repeated').argParser(collectText),
    new Option('--meta <key=value>', 'metadata of its instances; may be repeated').argParser(collectMetadata),
    new Option('--weight <number>', 'how much they are given beside others (default: 1)').argParser(parseLimit),
    new Option('--locality <region[/zone]>', 'where they, and their calls, are: rules about places go by it').argParser(
      parsePlace,
    ),
    new Option('--service-version <version>', 'version of what they serve'),
    new Option(
      '--check <check>',
      'health check of each port: https:/path, http:/path, tcp, grpc[:service]; may be repeated',
    ).argParser(collectOwnCheck),
    new Option('--interval <duration>', 'between two runs of each check (default: 10s)').argParser(parseDuration),
    new Option('--deregister-after <duration>', 'deregister an instance that was critical for that long').argParser(
      parseDuration,
    ),
  ];
}

/** The same in the words of the environment of a data plane; nothing for what was not said. */
export function instanceEnvironment(options: InstanceOptions): Readonly<Record<string, string>> {
  const { tag, meta, weight, locality, serviceVersion, check, interval, deregisterAfter } = options;
  return {
    ...(tag === undefined ? {} : { RAMPART_INSTANCE_TAGS: tag.join(',') }),
    ...(meta === undefined ? {} : { RAMPART_INSTANCE_METADATA: JSON.stringify(meta) }),
    ...(weight === undefined ? {} : { RAMPART_INSTANCE_WEIGHT: String(weight) }),
    ...(locality === undefined ? {} : { RAMPART_INSTANCE_LOCALITY: placeText(locality) }),
    ...(serviceVersion === undefined ? {} : { RAMPART_INSTANCE_VERSION: serviceVersion }),
    ...(check === undefined ? {} : { RAMPART_INSTANCE_CHECKS: check.join(' ') }),
    ...(interval === undefined ? {} : { RAMPART_INSTANCE_CHECK_INTERVAL: `${interval}ms` }),
    ...(deregisterAfter === undefined ? {} : { RAMPART_INSTANCE_DEREGISTER_AFTER: `${deregisterAfter}ms` }),
  };
}

function placeText({ region, zone }: Place): string {
  return zone === '' ? region : `${region}/${zone}`;
}

/** What a workload asks for itself: the control plane runs it, and it is no program. */
function collectOwnCheck(text: string, earlier: readonly string[] | undefined): readonly string[] {
  const [check] = collectCheck(text, undefined);
  if (check?.kind?.case === 'script' || check?.kind?.case === 'ttl' || /\s/.test(text))
    throw new InvalidArgumentError('write https:/path, http:/path, tcp, grpc, grpc:service or grpcs:service.');
  return [...(earlier ?? []), text];
}
