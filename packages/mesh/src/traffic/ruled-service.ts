import type { Clock, CompiledDestination, Random, RoutedRequest } from '@rampart/core';

import type { OutgoingSignature } from '../outbound/sign/outgoing-signatures.ts';
import type { Target } from '../outbound/outbound.ts';
import { ResponseFlag } from '../record/flags.ts';
import type { MeshService } from '../view/endpoint.ts';
import type { Deadlines } from './call/deadlines.ts';
import type { CallDriver } from './call/driver.ts';
import type { CallSurroundings, NoDestination } from './call/surroundings.ts';
import { drawn } from './call/way.ts';
import { TrafficCall } from './call/traffic-call.ts';
import type { Destination } from './group/service-state.ts';
import { HeldConnection } from './limit/held-connection.ts';
import type { RouteSettings, ServiceRules } from './settings/route.ts';
import type { Traffic, TrafficOptions } from './traffic.ts';

const NOT_FOUND = 404;
const TO_ITSELF: RouteSettings = { destinations: [] };

/** A service that an application calls, and about which there are rules. */
export class RuledService implements CallSurroundings {
  readonly service: MeshService;
  readonly port: number;
  readonly rules: ServiceRules;
  readonly #traffic: Pick<Traffic, 'deadlines' | 'destination' | 'resolve'>;
  readonly #options: TrafficOptions;

  constructor(
    asked: AskedService,
    traffic: Pick<Traffic, 'deadlines' | 'destination' | 'resolve'>,
    options: TrafficOptions,
  ) {
    this.service = asked.service;
    this.port = asked.port;
    this.rules = asked.rules;
    this.#traffic = traffic;
    this.#options = options;
  }

  /** Takes one request; the driver hears of what is to be done once the call is begun. */
  call(request: RoutedRequest, driver: CallDriver): TrafficCall {
    const route = this.rules.route === undefined ? TO_ITSELF : (this.rules.route(request) ?? this.#noRoute());
    return new TrafficCall({ request, driver, route, around: this });
  }

  /** An instance for a connection on which requests are not told apart; undefined where none may be had. */
  pick(): Target | undefined {
    const destination = this.resolve(drawn(this.rules.connection ?? [], this.random));
    if ('status' in destination) return undefined;
    const member = destination.group.pick(this.now());
    if (member === undefined) return undefined;
    const held = new HeldConnection(destination, member, () => this.now());
    return { service: destination.service, endpoint: member.endpoint, held };
  }

  /** How its requests are signed; undefined where nobody asks for it. */
  get signature(): OutgoingSignature | undefined {
    return this.#options.signature?.(this.service);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get deadlines(): Deadlines {
    return this.#traffic.deadlines;
  }

  get random(): Random {
    return this.#options.random;
  }

  get caller(): string {
    return this.#options.caller();
  }

  now(): number {
    return this.#options.stopwatch.elapsed();
  }

  resolve(to: CompiledDestination | undefined): Destination | NoDestination {
    return to === undefined ? this.#traffic.destination(this, undefined) : this.#traffic.resolve(this, to);
  }

  /** As Envoy answers where routes are there and none of them is about the request. */
  #noRoute(): RouteSettings {
    const reason = `no route of ${this.service.host} is about this request`;
    return { destinations: [], refusal: { status: NOT_FOUND, flag: ResponseFlag.noRoute, reason } };
  }
}

export interface AskedService {
  readonly service: MeshService;
  readonly port: number;
  readonly rules: ServiceRules;
}
