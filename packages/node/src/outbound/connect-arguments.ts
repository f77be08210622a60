/** Where a socket is to be connected to, in Node's own form. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export type ConnectOptions = Readonly<Record<string, unknown>>;

/** The forms of `socket.connect`: (options), (port, host), (path), and one list of all that, which Node makes for itself. */
export function optionsOf([first, second]: readonly unknown[]): ConnectOptions | undefined {
  if (Array.isArray(first)) return isOptions(first[0]) ? first[0] : undefined;
  if (isOptions(first)) return first;
  const isPort = typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first));
  if (!isPort) return undefined;
  return { port: first, ...(typeof second === 'string' ? { host: second } : {}) };
}

export function isOptions(value: unknown): value is ConnectOptions {
  return typeof value === 'object' && value !== null;
}

/** Undefined for what does not leave through a TCP port. */
export function placeOf({ host, port, path }: ConnectOptions): Place | undefined {
  if (typeof path === 'string') return undefined;
  return { host: typeof host === 'string' ? host : 'localhost', port: Number(port) };
}

/** The listener that a `connect` was given. */
export function listenerOf(args: readonly unknown[]): (() => void) | undefined {
  const [first] = args;
  const last: unknown = Array.isArray(first) ? first[1] : args.at(-1);
  return typeof last === 'function' ? (last as () => void) : undefined;
}
