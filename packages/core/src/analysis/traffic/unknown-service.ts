import type { ServiceName } from '../../service-name.ts';
import { absent, type TrafficFinding } from './finding.ts';

export function unknownService(field: string, { name, namespace }: ServiceName): TrafficFinding {
  return absent(
    field,
    `no instance of service ${name} of namespace ${namespace} has registered yet, and no RegistrationEntry or RegistryAcl names it: ` +
      'start it first, correct the name, or allow services that are unknown (rampart apply --allow-unknown-services)',
  );
}
