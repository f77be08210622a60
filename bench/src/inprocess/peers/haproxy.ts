import type { Subject } from '../subject.ts';
import { proxyPair } from './proxy-pair.ts';
import type { Ports } from './proxy-pair.ts';

/** `http-reuse always`, one thread a side, logs off. Over HTTP/2 many requests share few connections: HAProxy's best form. */
function haproxyPair(name: string, alpn: string): Subject {
  return proxyPair({
    name,
    program: 'haproxy',
    debianPackage: 'haproxy',
    args: (file) => ['-db', '-f', file],
    config: (directory, ports) => haproxyConfig(directory, ports, { alpn, logging: '' }),
  });
}

export interface HaproxyForm {
  readonly alpn: string;
  /** Lines of `defaults` that say what is logged, and where. */
  readonly logging: string;
}

/** Both sides, parted by `#near` and `#far`. */
export function haproxyConfig(directory: string, ports: Ports, { alpn, logging }: HaproxyForm): string {
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
${logging}#near
frontend near
  bind 127.0.0.1:${ports.near}
  default_backend far
backend far
  server s 127.0.0.1:${ports.far} ssl ${alpn} crt ${directory}/client.pem ca-file ${directory}/ca.crt verify required verifyhost localhost ssl-min-ver TLSv1.3
#far
frontend far
  bind 127.0.0.1:${ports.far} ssl ${alpn} crt ${directory}/server.pem ca-file ${directory}/ca.crt verify required ssl-min-ver TLSv1.3
  default_backend app
backend app
  server s 127.0.0.1:${ports.app}
`;
}

export const haproxyHttp1Pair: Subject = haproxyPair('haproxy-pair-http1', '');
export const haproxyHttp2Pair: Subject = haproxyPair('haproxy-pair-http2', 'alpn h2');
