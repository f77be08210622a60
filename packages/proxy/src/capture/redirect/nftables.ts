import { parseIpBlock, RampartError } from '@rampart/core';

/** What the system is to bring to a sidecar. */
export interface CaptureRules {
  /** Users whose connections are left alone: that of the sidecar, and of resolvers of this host. */
  readonly exemptUsers: readonly number[];
  /** Marks of packets that are left alone (SO_MARK). */
  readonly exemptMarks?: readonly number[];
  /** What applications of this host open over TCP. */
  readonly outbound?: {
    /** Of the sidecar, on 127.0.0.1 and ::1. */
    readonly port: number;
    /** Ports that are left alone wherever they are. */
    readonly exceptPorts?: readonly number[];
    /** Addresses and CIDR blocks that are left alone. */
    readonly except?: readonly string[];
  };
  /** What comes in over TCP from other hosts. */
  readonly inbound?: {
    /** Of the sidecar, on every address. */
    readonly port: number;
    /** Ports of the application; "all" but the exceptions. */
    readonly ports: readonly number[] | 'all';
    readonly exceptPorts?: readonly number[];
  };
  /** Of the sidecar, UDP and TCP on 127.0.0.1 and ::1: questions to port 53 go there. */
  readonly dnsPort?: number;
}

const TABLE = 'table inet rampart_capture';
const LARGEST_USER = 0xff_ff_ff_fe;
const LARGEST_MARK = 0xff_ff_ff_ff;
const LARGEST_PORT = 65_535;

/**
 * Rules for full capture, ready for `nft -f -` (nftables 0.9.7, Linux 5.2, and newer). Applied again they replace those of
 * before, all at once. Connections that are open already stay as they are.
 *
 * @throws RampartError INVALID_ARGUMENT: a number out of range, an address that is none, or nobody who is exempt.
 */
export function captureRules(rules: CaptureRules): string {
  const { exemptUsers, exemptMarks = [], outbound, inbound, dnsPort } = rules;
  if ((outbound !== undefined || dnsPort !== undefined) && exemptUsers.length + exemptMarks.length === 0) {
    throw new RampartError('INVALID_ARGUMENT', "the sidecar's own connections must be exempt, by its user or a mark");
  }
  const chains = [
    ...(outbound === undefined && dnsPort === undefined ? [] : outboundChain(rules)),
    ...(inbound === undefined ? [] : inboundChain(inbound)),
  ];
  return [
    '# Rules of Rampart for the capture of connections. Apply: nft -f FILE',
    ...removal(),
    `${TABLE} {`,
    ...chains.map((line) => `\t${line}`),
    '}',
    '',
  ].join('\n');
}

/** Takes the rules away again, ready for `nft -f -`, whether there are any or not. */
export function captureRemoval(): string {
  return [
    '# Takes the rules of Rampart for the capture of connections away. Apply: nft -f FILE',
    ...removal(),
    '',
  ].join('\n');
}

/** Adding a table that is there changes nothing, and what is there can be deleted. */
function removal(): string[] {
  return [TABLE, `delete ${TABLE}`];
}

function outboundChain({ exemptUsers, exemptMarks = [], outbound, dnsPort }: CaptureRules): string[] {
  const users = exemptUsers.map((user) => number('user', user, LARGEST_USER));
  const marks = exemptMarks.map((mark) => number('mark', mark, LARGEST_MARK));
  return [
    'chain outbound {',
    '\ttype nat hook output priority -100; policy accept;',
    ...rule(
      users.length > 0,
      `meta skuid ${set(users)} return`,
      "the sidecar's own connections, and those of resolvers",
    ),
    ...rule(marks.length > 0, `meta mark ${set(marks)} return`, "the sidecar's own connections, by their mark"),
    ...(dnsPort === undefined ? [] : dnsRules(number('port', dnsPort, LARGEST_PORT))),
    ...(outbound === undefined ? [] : outboundRules(outbound)),
    '}',
  ];
}

function dnsRules(port: string): string[] {
  return [
    ...rule(true, `udp dport 53 redirect to :${port}`, 'questions to any name server, to that of the sidecar'),
    ...rule(true, `tcp dport 53 redirect to :${port}`, 'the same over TCP'),
  ];
}

function outboundRules({ port, exceptPorts = [], except = [] }: NonNullable<CaptureRules['outbound']>): string[] {
  const ports = exceptPorts.map((each) => number('port', each, LARGEST_PORT));
  const four = except.filter((block) => !block.includes(':')).map(block);
  const six = except.filter((block) => block.includes(':')).map(block);
  return [
    ...rule(true, 'oifname "lo" return', 'within this host'),
    ...rule(ports.length > 0, `tcp dport ${set(ports)} return`, 'ports that are left alone'),
    ...rule(four.length > 0, `ip daddr ${set(four)} return`, 'IPv4 addresses that are left alone'),
    ...rule(six.length > 0, `ip6 daddr ${set(six)} return`, 'IPv6 addresses that are left alone'),
    ...rule(
      true,
      `meta l4proto tcp redirect to :${number('port', port, LARGEST_PORT)}`,
      'all else over TCP, to the sidecar',
    ),
  ];
}

function inboundChain({ port, ports, exceptPorts = [] }: NonNullable<CaptureRules['inbound']>): string[] {
  const to = number('port', port, LARGEST_PORT);
  const spared = exceptPorts.map((each) => number('port', each, LARGEST_PORT));
  const given = ports === 'all' ? [] : ports.map((each) => number('port', each, LARGEST_PORT));
  if (ports !== 'all' && given.length === 0) {
    throw new RampartError('INVALID_ARGUMENT', 'there is no port of the application to capture');
  }
  const match = ports === 'all' ? 'meta l4proto tcp' : `tcp dport ${set(given)}`;
  return [
    'chain inbound {',
    '\ttype nat hook prerouting priority -100; policy accept;',
    ...rule(true, 'iifname "lo" return', 'within this host'),
    ...rule(true, `tcp dport ${to} return`, 'what is meant for the sidecar already'),
    ...rule(spared.length > 0, `tcp dport ${set(spared)} return`, 'ports that are left alone'),
    ...rule(true, `${match} redirect to :${to}`, 'what others open to the application, to the sidecar'),
    '}',
  ];
}

function rule(isThere: boolean, statement: string, comment: string): string[] {
  return isThere ? [`\t${statement} comment "${comment}"`] : [];
}

function set(values: readonly string[]): string {
  return `{ ${values.join(', ')} }`;
}

/** The text is for a program that runs as root: nothing comes into it that was not read. */
function number(what: string, value: number, largest: number): string {
  const smallest = what === 'port' ? 1 : 0;
  if (Number.isInteger(value) && value >= smallest && value <= largest) return String(value);
  throw new RampartError('INVALID_ARGUMENT', `${what} ${value} is not a number from ${smallest} to ${largest}`);
}

function block(text: string): string {
  const parsed = parseIpBlock(text);
  if (!parsed.ok) throw new RampartError('INVALID_ARGUMENT', parsed.problem);
  return text;
}
