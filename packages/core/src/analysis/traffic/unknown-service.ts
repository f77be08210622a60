import type { ServiceName } from '../../service-name.ts';
import { absent, type TrafficFinding } from './finding.ts';

export function unknownService(field: string, { name, namespace }: ServiceName): TrafficFinding {
  const fact = `no instance of service ${name} of namespace ${namespace} has registered yet, and no RegistrationEntry or RegistryAcl names it`;
  return absent(
    field,
    `${fact}: start it first, correct the name, or allow services that are unknown (rampart apply --allow-unknown-services)`,
    `${fact}: calls to it fail until it is there; if that is not to come, correct the name`,
  );
}
