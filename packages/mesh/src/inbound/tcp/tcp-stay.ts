import type { AuthorizerDemand, Clock, Timer, Verdict } from '@rampart/core';

import { keepAppointment } from '../../identity/renewal-time.ts';
import type { InboundConnection } from '../connection.ts';
import type { AuthorizerCall } from '../external/call.ts';
import type { Approval, ExternalAuthorizer } from '../external/external-authorizer.ts';
import { TcpPermit } from './tcp-permit.ts';

/** A connection that wants in. */
export interface TcpApplicant {
  readonly connection: InboundConnection;
  /** Called once at most. */
  admitted(permit: TcpPermit): void;
  /** Called once at most, and last: not let in, or not any longer. */
  refused(verdict: Verdict): void;
}

export interface TcpStayOptions {
  readonly external: ExternalAuthorizer;
  readonly clock: Clock;
  ownPrincipal(): string;
  over(): void;
}

/** Policies may change while an authorizer is asked; this often in a row they do not. */
const MAX_ROUNDS = 8;

/** One connection from its first judgement to its end. */
export class TcpStay {
  readonly #applicant: TcpApplicant;
  readonly #options: TcpStayOptions;
  readonly #gone = new AbortController();
  readonly #expiry: Timer | undefined;
  #approval: Approval | undefined;
  #isAsking = false;
  #isAdmitted = false;
  #isOver = false;
  #rounds = 0;

  constructor(applicant: TcpApplicant, options: TcpStayOptions) {
    this.#applicant = applicant;
    this.#options = options;
    const { peer } = applicant.connection;
    // Valid up to and including its last moment.
    this.#expiry = peer && keepAppointment(options.clock, { at: peer.notAfter + 1 }, () => this.judge());
  }

  /** Where an authorizer has to be asked, the connection is judged when that has answered, and denied now if it must be. */
  judge(): void {
    if (this.#isOver) return;
    const { connection } = this.#applicant;
    const now = this.#options.clock.now();
    const refusal = connection.refusal(now);
    if (refusal !== undefined) {
      this.#refuse(refusal);
      return;
    }
    const demand = connection.policy.demandTcp();
    if (demand?.kind === 'ask' && this.#approval?.answers(demand) !== true) {
      this.#wait(demand);
      return;
    }
    this.#decide(now);
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#expiry?.cancel();
    this.#gone.abort();
    this.#options.over();
  }

  #admit(permit: TcpPermit): void {
    this.#rounds = 0;
    if (this.#isAdmitted) return;
    this.#isAdmitted = true;
    this.#applicant.admitted(permit);
  }

  #refuse(verdict: Verdict): void {
    this.leave();
    this.#applicant.refused(verdict);
  }

  /** A connection that is open already stays so until the authorizer has answered, unless other policies deny it. */
  #wait(demand: AuthorizerDemand): void {
    const verdict = this.#isAdmitted ? this.#applicant.connection.policy.evaluateTcp() : undefined;
    if (verdict?.decision === 'DENY') this.#refuse(verdict);
    else if (!this.#isAsking) this.#ask(demand);
  }

  #ask(demand: AuthorizerDemand): void {
    this.#isAsking = true;
    this.#rounds += 1;
    void this.#options.external.ask(demand, this.#call()).then((answer) => {
      this.#isAsking = false;
      if (this.#isOver) return;
      if (answer.kind !== 'allowed') {
        this.#refuse(answer.verdict);
        return;
      }
      this.#approval = answer.approval;
      if (this.#rounds < MAX_ROUNDS) this.judge();
      else this.#decide(this.#options.clock.now());
    });
  }

  #decide(now: number): void {
    const outcome = TcpPermit.judge(this.#applicant.connection, this.#approval, now);
    if (outcome.denied) this.#refuse(outcome.verdict);
    else this.#admit(outcome);
  }

  #call(): AuthorizerCall {
    const { client, sourcePrincipal, attributes } = this.#applicant.connection;
    return {
      source: { principal: sourcePrincipal, ...client },
      destination: {
        principal: this.#options.ownPrincipal(),
        address: attributes.destinationIp,
        port: attributes.destinationPort,
      },
      http: undefined,
      signal: this.#gone.signal,
    };
  }
}
