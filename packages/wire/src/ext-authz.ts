/**
 * Envoy's external authorization protocol as plain objects with their encoders, without descriptors. A subpath of its own:
 * data planes without external authorizers never load it.
 */
export { CheckRequest, CheckResponse } from './gen/plain/envoy/service/auth/v3/external_auth.ts';
export type { DeniedHttpResponse, OkHttpResponse } from './gen/plain/envoy/service/auth/v3/external_auth.ts';
export type {
  AttributeContext,
  AttributeContext_HttpRequest,
  AttributeContext_Peer,
} from './gen/plain/envoy/service/auth/v3/attribute_context.ts';
export type { HeaderValueOption } from './gen/plain/envoy/config/core/v3/base.ts';
