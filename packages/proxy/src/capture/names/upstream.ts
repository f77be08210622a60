import { isIP } from 'node:net';

/** A resolver that knows the rest of the world. */
export interface Upstream {
  /** IP literal. */
  readonly host: string;
  readonly port: number;
}

const DNS_PORT = 53;
const WITH_PORT = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<four>[\d.]+)):(?<port>\d{1,5})$/;

/** A resolver as `dns.getServers()` and people write it: "10.0.0.2", "10.0.0.2:5353", "[fd00::2]:53"; undefined for anything else. */
export function parseUpstream(text: string): Upstream | undefined {
  if (isIP(text) !== 0) return { host: text, port: DNS_PORT };
  const { six, four, port: digits } = WITH_PORT.exec(text)?.groups ?? {};
  const host = six ?? four ?? '';
  const port = Number(digits);
  return isIP(host) !== 0 && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
