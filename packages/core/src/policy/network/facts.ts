/** The other end of a connection as NetworkPolicies see it. A workload is known, or only its address is. */
export interface NetworkPeerFacts {
  /** IP literal; "" when not even that is known. */
  readonly ip: string;
  /** Undefined for whoever has not proved to be a workload of the mesh: then only `ipBlock` can match. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Labels of its namespace, see {@link namespaceLabels}. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** Identity without its scheme; explains verdicts, decides nothing. */
  readonly principal?: string;
}

/** Kubernetes puts its name on every namespace under this label. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/**
 * The labels of a namespace: those of its Namespace resource, and always its name. A namespace that nobody described
 * also answers to `name`, the label under which people have looked for namespaces since before Kubernetes set one.
 */
export function namespaceLabels(
  name: string,
  declared: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  return { ...(declared ?? { name }), [NAMESPACE_NAME]: name };
}

/** Prefix of labels that name a port of a workload: `port.rampart.dev/metrics: "9090"`. */
const PORT_LABEL = 'port.rampart.dev/';

/** Whether a workload calls this port by that name. */
export function isNamedPort(labels: Readonly<Record<string, string>>, name: string, port: number): boolean {
  const key = PORT_LABEL + name;
  return Object.hasOwn(labels, key) && labels[key] === String(port);
}
