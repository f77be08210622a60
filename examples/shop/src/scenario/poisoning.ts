import type { Shop } from '../mesh/shop.ts';
import { POISON } from '../poisoner/attempt.ts';
import type { Registration, RegistrationName } from '../poisoner/attempt.ts';
import { Poisoner, refusalBy } from '../poisoner/poison.ts';
import type { Spoof } from '../poisoner/poison.ts';
import { describeExit } from '../process/child.ts';
import { until } from '../process/condition.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';

const RECORDED_WITHIN_MS = 5000;
const NEWEST_RECORDS = 50;

/** Each registration is stopped by a mechanism of its own, which has its own words and its own type of record. */
const REFUSALS: readonly {
  readonly name: RegistrationName;
  readonly words: string;
  readonly event: string;
  readonly identity: string;
}[] = [
  {
    name: 'token of another service',
    words: '403 Not authorized to register this service',
    event: 'REGISTRATION_DENIED',
    identity: 'token:notifications-api',
  },
  {
    name: 'token of the ops team',
    words: '403 Identity does not match service name',
    event: 'IDENTITY_MISMATCH',
    identity: 'token:deployer',
  },
  {
    name: 'foreign network',
    words: '403 Registration from unauthorized network',
    event: 'NETWORK_VIOLATION',
    identity: 'token:payment-service',
  },
];

const SPOOFED = `127.0.0.1 became ${POISON} on the way; exit code 1; not believed: BAD_SIGNATURE`;

/** Nobody but payment-service is found as payment-service, whatever the poisoner tries. */
export async function poisoning(shop: Shop): Promise<Expectation[]> {
  const { registrations, spoof } = await new Poisoner(shop).poison();
  const refused = REFUSALS.map(async ({ name, words, event, identity }) =>
    expectation(
      `poisoner: ${name}`,
      `${words}; on record as ${event} of ${identity}`,
      await refusalOf(shop, { event, registration: registrations.find((each) => each.name === name) }),
    ),
  );
  return [
    ...(await Promise.all(refused)),
    expectation('poisoner: spoofed discovery answer', SPOOFED, describeSpoof(spoof)),
    await stillAtHome(shop),
  ];
}

async function refusalOf(
  shop: Shop,
  { event, registration }: { readonly event: string; readonly registration: Registration | undefined },
): Promise<string> {
  if (registration === undefined) return 'never tried';
  const { status, message, from } = registration;
  const identity = await until(RECORDED_WITHIN_MS, async () => {
    const { records } = await shop.admin.queryAudit({ eventType: event, limit: NEWEST_RECORDS });
    const own = records.map((text) => JSON.parse(text) as AuditFields).find((each) => isAbout(each, from));
    return own?.identity;
  });
  return `${status} ${message}; ${identity === undefined ? 'not on record' : `on record as ${event} of ${identity}`}`;
}

interface AuditFields {
  readonly service_name: string;
  readonly identity: string;
  readonly source_ip: string;
}

function isAbout({ service_name: service, source_ip: source }: AuditFields, from: string): boolean {
  return service === 'payment-service' && source === from;
}

function describeSpoof({ changed, client }: Spoof): string {
  const way = changed === undefined ? 'nothing changed on the way' : `${changed.was} became ${changed.is} on the way`;
  const refusal = refusalBy(client);
  const taken = refusal === undefined ? client.words : `not believed: ${refusal}`;
  return `${way}; ${describeExit(client.exit)}; ${taken}`;
}

async function stillAtHome(shop: Shop): Promise<Expectation> {
  const { services } = await shop.admin.listServices({});
  const payments = services.filter(({ name }) => name === 'payment-service');
  const found = payments.flatMap(({ endpoints }) => endpoints.map(({ host, port }) => `${host}:${port}`));
  const home = shop.services.find(({ workload }) => workload.name === 'payment-service');
  return expectation(
    'payment-service is found where it is, and nowhere else',
    `127.0.0.1:${home?.port ?? 0}`,
    found.join(', '),
  );
}
