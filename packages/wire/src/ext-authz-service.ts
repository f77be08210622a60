/** The service of Envoy's external authorization protocol, for those who serve it. */
export { AttributeContextSchema } from './gen/envoy/service/auth/v3/attribute_context_pb.ts';
export { Authorization, CheckResponseSchema } from './gen/envoy/service/auth/v3/external_auth_pb.ts';
export type { CheckRequest } from './gen/envoy/service/auth/v3/external_auth_pb.ts';
