import type { NetworkPort } from '../../resource/network-policy/port.ts';
import { isNamedPort } from './facts.ts';

type Labels = Readonly<Record<string, string>>;

/** Whether rules are about a TCP port of the destination; names are those that the destination gives its own ports. */
export type PortTest = (port: number, destination: Labels | undefined) => boolean;

/** One port is enough; none at all asks nothing. What is said of UDP and SCTP is about no TCP connection. */
export function compilePorts(ports: readonly NetworkPort[] | undefined): PortTest {
  if (ports === undefined || ports.length === 0) return () => true;
  const tests = ports.filter(({ protocol }) => protocol === 'TCP').map(compilePort);
  return (port, destination) => tests.some((test) => test(port, destination));
}

function compilePort({ port: asked, endPort }: NetworkPort): PortTest {
  if (asked === undefined) return () => true;
  if (typeof asked === 'string') {
    return (port, destination) => destination !== undefined && isNamedPort(destination, asked, port);
  }
  const last = endPort ?? asked;
  return (port) => port >= asked && port <= last;
}
