import { type AclRule, fail, type RegistryAcl, type RegistrySettingsSpec, SpiffeId } from '@rampart/core';
import { type AuditRecord, auditRecord, createMemoryJournalStore, Journal } from '@rampart/journal';
import {
  AccessRecord,
  Approvals,
  authenticateRequest,
  createMemoryApprovalStore,
  createMemoryRegistryStore,
  type Credentials,
  openRegistry,
  RegistryAccess,
  type RegistryIdentity,
  RegistryPolicy,
  SecureAdmission,
} from '@rampart/registry';
import { accepted, refused, type SeedVerdict } from './verdict.ts';

const clock = { now: () => 1_700_000_000_000, after: () => ({ cancel: () => undefined }) };

/** The algorithms of the registry that a seed prints: ours must end alike, with the same words, in the same order. */
export const REGISTRY_ALGORITHMS: Readonly<Record<string, (text: string) => Promise<SeedVerdict>>> = {
  AuthenticateRequest: judgeAuthentication,
  AuthorizeRequest: judgeAuthorization,
  HasPermission: judgePermission,
  SecureRegister: judgeRegistration,
  IdentityMatchesService: judgeIdentity,
};

/** Every step of the algorithm alone, and before those that come after it. */
async function judgeAuthentication(text: string): Promise<SeedVerdict> {
  const errors = texts(text, /Error\(401, "([^"]+)"\)/g);
  const certificate = (): ReturnType<typeof fail<{ readonly reason: string }>> => fail({ reason: 'not of this mesh' });
  const callers: readonly Credentials[] = [{ authorization: 'Bearer wrong', certificate }, { certificate }, {}];
  const answers: string[] = [];
  for (const credentials of callers) {
    const answer = await authenticateRequest(credentials, {
      tokens: { validate: () => undefined },
      allowAnonymous: false,
    });
    answers.push(answer.ok ? answer.value.kind : answer.problem.error.message);
  }
  const anonymous = await authenticateRequest({}, { tokens: { validate: () => undefined }, allowAnonymous: true });
  if (!anonymous.ok || anonymous.value.kind !== 'anonymous') return refused('AllowAnonymous lets nobody in');
  return same('AuthenticateRequest', errors, answers);
}

async function judgeAuthorization(text: string): Promise<SeedVerdict> {
  const outcomes = texts(text, /AuditLog\.Record\(identity, action, resource, "(\w+)"\)/g);
  const identity = workload('order');
  const rules: readonly AclRule[] = [{ service: 'payment', policy: 'read' }];
  const policies = [
    [new RegistryPolicy([acl(rules)]), 'read'],
    [new RegistryPolicy([acl(rules)], { defaultPolicy: 'allow' }), 'write'],
    [new RegistryPolicy([acl(rules)]), 'write'],
  ] as const;
  const recorded: string[] = [];
  for (const [policy, action] of policies) {
    const journal = await Journal.open(createMemoryJournalStore(), clock);
    const record = new AccessRecord({ journal, clock, failed: () => undefined });
    new RegistryAccess({ policy: () => policy, record }).authorizeRequest(identity, action, {
      service: 'payment',
      namespace: 'prod',
    });
    await journal.settle();
    const [entry] = await journal.read({ stream: 'audit', limit: 1, order: 'oldest-first' });
    recorded.push(entry === undefined ? '' : outcomeOf(auditRecord(entry)));
  }
  return same('AuthorizeRequest', outcomes, recorded);
}

/** The conditions as they stand, against what rules with each policy allow. */
function judgePermission(text: string): Promise<SeedVerdict> {
  const actions = ['read', 'write', 'admin'] as const;
  const written = [...text.matchAll(/IF policy == "(\w+)"(?: AND action (?:IN \[([^\]]+)\]|== "(\w+)"))?:/g)].map(
    ([, policy = '', several, one]) => `${policy}: ${several?.replaceAll('"', '') ?? one ?? actions.join(', ')}`,
  );
  const allowed = (['admin', 'write', 'read'] as const).map((policy) => {
    const rules = new RegistryPolicy([acl([{ service: 'a', policy }])]);
    const may = actions.filter(
      (action) => rules.decide(workload('x'), action, { service: 'a', namespace: 'prod' }).allowed,
    );
    return `${policy}: ${may.join(', ')}`;
  });
  return Promise.resolve(same('HasPermission', written, allowed));
}

/** A request with every fault ends at the first step; each fault that is mended lets it go one step further. */
async function judgeRegistration(text: string): Promise<SeedVerdict> {
  const steps = [
    ...text.matchAll(/AuditLog\.Record\("(\w+)"[^)]*\)\s+RETURN (?:Error\(403, "([^"]+)"\)|Success)/g),
  ].map(([, event = '', message = 'SUCCESS']) => `${event}: ${message}`);
  const identityPatterns = [{ service: 'payment', pattern: 'spiffe://cluster/ns/{namespace}/sa/{service}' }];
  const settings = { identityPatterns, networks: [{ service: '*', cidrs: ['10.0.0.0/8'] }] };
  const outcomes: string[] = [];
  for (const [rules, account, host] of [
    [[], 'attacker', '192.0.2.1'],
    [[{ service: 'payment', policy: 'write' }], 'attacker', '192.0.2.1'],
    [[{ service: 'payment', policy: 'write' }], 'payment', '192.0.2.1'],
    [[{ service: 'payment', policy: 'write' }], 'payment', '10.0.1.1'],
  ] as const) {
    outcomes.push(await registered(rules, { settings, account, host }));
  }
  return same('SecureRegister', steps, outcomes);
}

async function registered(
  rules: readonly AclRule[],
  {
    settings,
    account,
    host,
  }: { readonly settings: RegistrySettingsSpec; readonly account: string; readonly host: string },
): Promise<string> {
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const policy = new RegistryPolicy([acl(rules)], settings);
  const record = new AccessRecord({ journal, clock, failed: () => undefined });
  const access = new RegistryAccess({ policy: () => policy, record });
  const approvals = await Approvals.open({ store: createMemoryApprovalStore(), journal, clock });
  const admission = new SecureAdmission({ access, approvals });
  const store = createMemoryRegistryStore();
  const registry = await openRegistry({ store, journal, clock, random: () => 0.5, admission });
  const instance = { service: 'payment', namespace: 'prod', instanceId: 'p', port: 80, protocol: 'http', labels: {} };
  const answer = await registry.register(workload(account), { ...instance, host });
  await journal.settle();
  const entries = await journal.read({ stream: 'audit', limit: 9, order: 'oldest-first' });
  const last = entries
    .map((entry) => auditRecord(entry))
    .findLast((one) => !one.event_type.startsWith('AUTHORIZATION'));
  await registry.close();
  const event = last?.event_type === 'REGISTRATION' ? outcomeOf(last) : (last?.event_type ?? '');
  return `${event}: ${answer.ok ? 'SUCCESS' : answer.problem.message}`;
}

/** The example of the algorithm: an identity that can register a service. */
function judgeIdentity(text: string): Promise<SeedVerdict> {
  const [, id = '', service = ''] = /e\.g\., (spiffe:\S+) can register "([^"]+)"/.exec(text) ?? [];
  const parsed = SpiffeId.parse(id);
  const namespace = parsed.ok ? (parsed.value.namespace ?? '') : '';
  const policy = new RegistryPolicy([acl([{ service, policy: 'write' }])]);
  const isIt = parsed.ok && policy.identities.matches({ kind: 'spiffe', id: parsed.value }, { service, namespace });
  const other = policy.identities.matches(workload('other', namespace), { service, namespace });
  const verdict =
    isIt && !other
      ? accepted(`IdentityMatchesService: ${id} for ${service}, and no other`)
      : refused('the example is refused');
  return Promise.resolve(verdict);
}

function outcomeOf({ details: { outcome } }: AuditRecord): string {
  return typeof outcome === 'string' ? outcome : '';
}

function workload(account: string, namespace = 'prod'): RegistryIdentity {
  return { kind: 'spiffe', id: SpiffeId.of(`spiffe://cluster/ns/${namespace}/sa/${account}`) };
}

function acl(rules: readonly AclRule[]): RegistryAcl {
  const metadata = { name: 'rules', namespace: 'istio-system', labels: {}, annotations: {} };
  return { apiVersion: 'rampart.dev/v1', kind: 'RegistryAcl', metadata, spec: { rules } };
}

function texts(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found = '']) => found);
}

function same(name: string, seed: readonly string[], ours: readonly string[]): SeedVerdict {
  const isSame = seed.length === ours.length && seed.every((one, index) => one === ours[index]);
  return isSame
    ? accepted(`${name}: ${ours.join('; ')}`)
    : refused(`${name} is ${seed.join('; ')}, ours ${ours.join('; ')}`);
}
