// A program: a proxy's end of a link in a process of its own, which answers every chunk with the same bytes.
import tls from 'node:tls';

import { clock } from '../testing/real-clock.ts';
import { LINK_ALPN } from './frame/format.ts';
import { LinkSession } from './link-session.ts';
import type { LinkStream } from './link-stream.ts';

/** What a parent sends: PEM. */
export interface PeerPapers {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

function echo(stream: LinkStream): undefined {
  stream.receive({
    data: (chunk) => {
      if (!stream.write(chunk)) stream.pause();
    },
    end: () => stream.end(),
    drain: () => stream.resume(),
    close: () => undefined,
  });
}

process.once('message', (papers: PeerPapers) => {
  const server = tls.createServer({ ...papers, requestCert: true, minVersion: 'TLSv1.3', ALPNProtocols: [LINK_ALPN] });
  server.on('secureConnection', (transport) => {
    const session = new LinkSession({ transport, role: 'listener', clock, random: () => 0, accept: echo });
    process.on('SIGTERM', () => {
      server.close();
      session.drain(10_000);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
});
