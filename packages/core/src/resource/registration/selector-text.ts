/** Types of selectors that evidence given to the control plane makes. */
const OF_EVIDENCE: ReadonlySet<string> = new Set([
  'x509pop',
  'jwt',
  'k8s',
  'gcp',
  'azure',
  'github',
  'gitlab',
  'aws_iam',
]);
/** Types of selectors that an agent makes of the processes of its host. */
const OF_PROCESSES: ReadonlySet<string> = new Set(['unix', 'systemd', 'container', 'docker']);
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

/** Whether anything here makes selectors of a type. */
export function isKnownSelectorType(type: string): boolean {
  return OF_EVIDENCE.has(type) || OF_PROCESSES.has(type);
}

/** Whether a selector comes from evidence that the control plane judges itself, so that no agent can say it of a process. */
export function isEvidenceSelector(selector: string): boolean {
  return OF_EVIDENCE.has(selectorTypeOf(selector));
}
