import type { ServiceEntryProtocol } from '../resource/traffic/service-entry/port.ts';
import type { ServiceEntryResolution } from '../resource/traffic/service-entry/spec.ts';
import type { Router } from './route/routes.ts';
import type { CompiledPolicy, Locality, WeighedDestination } from './settings.ts';

/** What rules say about one host and port to the callers of one workload. */
export interface ServiceRules {
  /** The first route about a request, undefined where none is; absent where rules are about instances alone. */
  readonly route?: Router;
  /** Where connections on which requests are not told apart go; absent where rules say nothing of them. */
  readonly connection?: readonly WeighedDestination[];
  /** How its instances, or those of a subset, are used; the same object each time. */
  policy(subset: string | undefined): CompiledPolicy;
  /** Labels of the instances of a subset; undefined where there is none of that name. */
  subset(name: string): Readonly<Record<string, string>> | undefined;
  /** "shop/orders" of the rules that count. */
  readonly virtualService: string | undefined;
  readonly destinationRule: string | undefined;
}

/** Where a host outside the mesh is. */
export interface OutsideEndpoint {
  /** An IP address, or a name to be looked up. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
}

/** A port of a host outside the mesh that a ServiceEntry makes known. */
export interface OutsideService {
  /** As it was called. */
  readonly host: string;
  readonly port: number;
  readonly protocol: ServiceEntryProtocol;
  /** "shop/payments": the ServiceEntry. */
  readonly entry: string;
  readonly resolution: ServiceEntryResolution;
  /** Empty where the caller, or DNS by the host itself, finds the address. */
  readonly endpoints: readonly OutsideEndpoint[];
  /** Where the connection goes, unless endpoints say otherwise. */
  readonly targetPort: number;
  /** Names of which the server's certificate must have one, where TLS is originated. */
  readonly subjectAltNames: readonly string[];
  /** Undefined where no rule is about it. */
  readonly rules: ServiceRules | undefined;
}

/** What may be called that is no service of the mesh (istio/api `MeshConfig.OutboundTrafficPolicy`). */
export type OutboundMode = 'ALLOW_ANY' | 'REGISTRY_ONLY';

/** All rules that one workload's calls are held to. */
export interface TrafficRules {
  /** No rule is there at all. */
  readonly isEmpty: boolean;
  /** REGISTRY_ONLY: hosts outside the mesh that no ServiceEntry makes known are out of reach. */
  readonly outbound: OutboundMode;
  /** Undefined where no rule is about the service: nothing further is looked at then. */
  forService(namespace: string, name: string, port: number): ServiceRules | undefined;
  /** Rules about a host that is no service, known or not. */
  forHost(host: string, port: number): ServiceRules | undefined;
  /** What is known of a host outside the mesh; undefined where nothing is. */
  outside(host: string, port: number): OutsideService | undefined;
  /** The same for an address that is called as such. */
  outsideAddress(address: string, port: number): OutsideService | undefined;
  /** Whether any port of a host outside the mesh is known. */
  isKnownOutside(host: string): boolean;
  /** Why a host, or an address, outside the mesh is out of reach; undefined where it is not. */
  outsideProblem(host: string, port: number): string | undefined;
  /** "istio-system/default": where the mode is said. */
  readonly meshConfig: string;
}
