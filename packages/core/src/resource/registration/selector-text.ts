/** What selectors of one type are about, and the form that a value has; undefined where claims of tokens give the names. */
type Names = Readonly<Record<string, RegExp>> | undefined;

const ANY = /^/;
const NUMBER = /^(?:0|[1-9]\d*)$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** The forms that need a word, for who wrote a value in another one. */
const FORMS: ReadonlyMap<RegExp, string> = new Map([
  [NUMBER, 'a decimal number'],
  [SHA256, '64 lower-case hexadecimal digits'],
]);

/** Types of selectors that evidence given to the control plane makes. */
const OF_EVIDENCE: ReadonlyMap<string, Names> = new Map([
  [
    'x509pop',
    {
      attestor: ANY,
      fingerprint: SHA256,
      serialnumber: /^[0-9a-f]+$/,
      'subject:cn': ANY,
      'ca:fingerprint': SHA256,
      'san:dns': ANY,
      'san:uri': ANY,
      'san:ip': ANY,
    },
  ],
  ['jwt', undefined],
  ['k8s', named('cluster', 'ns', 'sa', 'sa-uid', 'pod-name', 'pod-uid', 'node-name', 'node-uid')],
  ['gcp', named('project-id', 'project-number', 'zone', 'instance-id', 'instance-name', 'service-account')],
  [
    'azure',
    {
      ...named('tenant-id', 'object-id', 'app-id', 'subscription-id'),
      ...named('resource-group', 'vm-name', 'vmss-name', 'identity-name'),
    },
  ],
  ['github', undefined],
  ['gitlab', undefined],
  ['aws_iam', { ...named('attestor', 'arn', 'principal', 'role', 'session', 'user'), account: /^\d{12}$/ }],
]);
/** Types of selectors that an agent makes of the processes of its host. */
const OF_PROCESSES: ReadonlyMap<string, Names> = new Map([
  [
    'unix',
    {
      uid: NUMBER,
      user: ANY,
      gid: NUMBER,
      group: ANY,
      supplementary_gid: NUMBER,
      supplementary_group: ANY,
      path: /^\//,
      sha256: SHA256,
    },
  ],
  ['systemd', { id: /\.service$/ }],
  ['container', { id: SHA256, path: /^\// }],
]);
const MAX_LENGTH = 2048;
const FORM = /^[a-z][a-z0-9_-]{0,31}:\S(?:[^\r\n]*\S)?$/;

/** What is wrong with a selector, "type:value"; undefined when nothing is. */
export function selectorTextProblem(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `must be at most ${MAX_LENGTH} characters long`;
  return FORM.test(text) ? undefined : 'must be "type:value", such as k8s:ns:prod or unix:uid:1000';
}

/** "k8s" of "k8s:ns:prod". */
export function selectorTypeOf(selector: string): string {
  return selector.slice(0, selector.indexOf(':'));
}

/** Why nobody is ever attested with a selector; undefined for one that somebody may have. */
export function deadSelectorReason(selector: string): string | undefined {
  const type = selectorTypeOf(selector);
  if (!OF_EVIDENCE.has(type) && !OF_PROCESSES.has(type)) {
    return `nothing here makes selectors of type ${JSON.stringify(type)}`;
  }
  const names = OF_EVIDENCE.get(type) ?? OF_PROCESSES.get(type);
  if (names === undefined) return undefined;
  const rest = selector.slice(type.length + 1);
  const name = Object.keys(names).find((known) => rest.startsWith(`${known}:`));
  if (name === undefined) return `selectors of type ${type} are about ${Object.keys(names).join(', ')}`;
  if (names[name]?.test(rest.slice(name.length + 1)) === true) return undefined;
  return `${type}:${name} is followed by ${FORMS.get(names[name] ?? ANY) ?? 'something of another form'}`;
}

/** Types of selectors of one token: those of its profile, and those of every token. */
const OF_EVERY_TOKEN = 'jwt';
const OF_NO_TOKEN: readonly string[] = ['x509pop', 'aws_iam'];

/** Whether one piece of evidence may have selectors of all of these types. */
export function areOfOneEvidence(types: ReadonlySet<string>): boolean {
  const profiles = types.difference(new Set([OF_EVERY_TOKEN]));
  const isToken = profiles.size < types.size;
  return profiles.size === 0 || (profiles.size === 1 && !(isToken && OF_NO_TOKEN.some((type) => profiles.has(type))));
}

/** Whether a selector comes from evidence that the control plane judges itself, so that no agent can say it of a process. */
export function isEvidenceSelector(selector: string): boolean {
  return OF_EVIDENCE.has(selectorTypeOf(selector));
}

function named(...names: readonly string[]): Record<string, RegExp> {
  return Object.fromEntries(names.map((name) => [name, ANY]));
}
