import type { Subject } from '../subject.ts';
import { proxyPair } from './proxy-pair.ts';
import type { Ports } from './proxy-pair.ts';

/** Keep-alive on every hop, one worker a side, logs off: the fastest we know of for this shape. */
export const nginxPair: Subject = proxyPair({
  name: 'nginx-pair',
  program: 'nginx',
  debianPackage: 'nginx-light',
  args: (file) => ['-c', file, '-p', file.slice(0, file.lastIndexOf('/')), '-e', '/dev/null'],
  config: (directory, ports) => nginxConfig(directory, ports, 'off'),
});

/** Both sides, parted by `#near` and `#far`; `accessLog` as nginx's directive takes it. */
export function nginxConfig(directory: string, ports: Ports, accessLog: string): string {
  return `worker_processes 1; daemon off; error_log /dev/null;
events { worker_connections 4096; }
#near
pid ${directory}/nginx-near.pid;
http { access_log ${accessLog}; keepalive_requests 100000000;
  upstream far { server 127.0.0.1:${ports.far}; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${ports.near}; location / {
    proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_ssl_certificate ${directory}/client.crt; proxy_ssl_certificate_key ${directory}/client.key;
    proxy_ssl_trusted_certificate ${directory}/ca.crt; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.3;
    proxy_pass https://far; } } }
#far
pid ${directory}/nginx-far.pid;
http { access_log ${accessLog}; keepalive_requests 100000000;
  upstream app { server 127.0.0.1:${ports.app}; keepalive 256; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${ports.far} ssl;
    ssl_certificate ${directory}/server.crt; ssl_certificate_key ${directory}/server.key;
    ssl_client_certificate ${directory}/ca.crt; ssl_verify_client on; ssl_protocols TLSv1.3;
    location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://app; } } }
`;
}
