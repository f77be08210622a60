/** Envoy's Secret Discovery Service, for those who serve it. */
export {
  SecretSchema,
  SPIFFECertValidatorConfigSchema,
} from './gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
export {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
  type DeltaDiscoveryRequest,
  type DiscoveryRequest,
} from './gen/envoy/service/discovery/v3/discovery_pb.ts';
export { SecretDiscoveryService } from './gen/envoy/service/secret/v3/sds_pb.ts';
