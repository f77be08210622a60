import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

import type { SidecarProcess } from './sidecar.ts';

interface Message {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Options of a request that the sidecar is asked for as a proxy. */
export function requestOf(sidecar: SidecarProcess, url: string): http.RequestOptions {
  const { host } = new URL(url);
  return { host: '127.0.0.1', port: sidecar.announcement.proxyPort, path: url, headers: { host }, agent: false };
}

/** One request by way of the sidecar's proxy. */
export async function ask(
  sidecar: SidecarProcess,
  url: string,
  { method = 'GET', body = '', headers = {} }: Message = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const options = requestOf(sidecar, url);
  const request = http.request({ ...options, method, headers: { host: new URL(url).host, ...headers } });
  request.end(body);
  // Once there is an answer, its reader is told.
  request.once('response', () => request.on('error', () => undefined));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, body: text };
}

/** Says something to the sidecar's proxy as it stands, one character a byte; everything that comes back until the connection ends. */
export async function say(sidecar: SidecarProcess, said: string): Promise<string> {
  const socket = net.connect(sidecar.announcement.proxyPort, '127.0.0.1');
  socket.write(said, 'latin1');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
