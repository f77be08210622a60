const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const MAX_NAME = 63;
const MAX_PREFIX = 253;

/** What is wrong with the name of a label, `prefix/name` (Kubernetes `IsQualifiedName`); undefined when nothing is. */
export function labelNameProblem(text: string): string | undefined {
  const slash = text.indexOf('/');
  const prefix = slash === -1 ? undefined : text.slice(0, slash);
  const name = text.slice(slash + 1);
  if (prefix !== undefined && (prefix.length > MAX_PREFIX || !PREFIX.test(prefix))) {
    return 'the part of a label name before "/" must be a DNS name of at most 253 characters';
  }
  if (name.length <= MAX_NAME && NAME.test(name)) return undefined;
  return 'a label name must be 1 to 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends';
}

/** What is wrong with the value of a label (Kubernetes `IsValidLabelValue`); undefined when nothing is. */
export function labelValueProblem(text: string): string | undefined {
  if (text === '' || (text.length <= MAX_NAME && NAME.test(text))) return undefined;
  return 'a label value must be at most 63 letters, digits, "-", "_" and ".", with a letter or digit at both ends';
}
