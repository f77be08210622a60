import type { Socket } from 'node:net';

import type { Verdict } from '@rampart/core';
import { abortConnection, deliverConnection, refusal, ResponseFlag, startSpan } from '@rampart/mesh';
import type { Ending, IdSource, InboundConnection, InboundTcpRecorder, Stopwatch, TcpJudge } from '@rampart/mesh';

export interface TcpConnectionsOptions {
  readonly judge: TcpJudge;
  readonly recorder: InboundTcpRecorder;
  readonly ids: IdSource;
  readonly stopwatch: Stopwatch;
}

const COMPLETE: Ending = { flag: ResponseFlag.none, reason: '', policy: '' };

/** authorize → deliver → record for connections to servers of this process that speak no HTTP. */
export class TcpConnections {
  readonly #options: TcpConnectionsOptions;

  constructor(options: TcpConnectionsOptions) {
    this.#options = options;
  }

  /** `application` gets the connection once it has its permit. Nothing is read from the caller before. */
  enter(connection: InboundConnection, application: (connection: InboundConnection) => void): void {
    const { judge, recorder, ids, stopwatch } = this.#options;
    const { socket } = connection;
    const passage = { trace: startSpan(undefined, ids), startedAt: stopwatch.elapsed(), connection };
    recorder.opened(connection);
    let verdict: Verdict = refusal('the caller went away before the connection could be judged');
    let ending: Ending | undefined;
    const stay = judge.enter({
      connection,
      admitted: (permit) => {
        ({ verdict } = permit);
        deliverConnection(permit, application);
      },
      refused: (refused) => {
        verdict = refused;
        ending = { flag: ResponseFlag.denied, reason: refused.reason, policy: refused.policy };
        abortConnection(socket);
      },
    });
    socket.once('close', () => {
      stay.leave();
      const { bytesRead: bytesReceived, bytesWritten: bytesSent } = socket;
      recorder.write({ ...passage, bytesReceived, bytesSent, ending: ending ?? endingOf(socket), verdict });
    });
  }
}

function endingOf({ errored }: Socket): Ending {
  return errored === null ? COMPLETE : { flag: ResponseFlag.callerGone, reason: errored.message, policy: '' };
}
