/** Envoy's external authorization protocol. A subpath of its own: data planes without external authorizers never load it. */
export { AttributeContextSchema } from './gen/envoy/service/auth/v3/attribute_context_pb.ts';
export type {
  AttributeContext,
  AttributeContext_HttpRequest,
  AttributeContext_Peer,
} from './gen/envoy/service/auth/v3/attribute_context_pb.ts';
export {
  Authorization,
  CheckRequestSchema,
  CheckResponseSchema,
} from './gen/envoy/service/auth/v3/external_auth_pb.ts';
export type {
  CheckRequest,
  CheckResponse,
  DeniedHttpResponse,
  OkHttpResponse,
} from './gen/envoy/service/auth/v3/external_auth_pb.ts';
export type { HeaderValueOption } from './gen/envoy/config/core/v3/base_pb.ts';
