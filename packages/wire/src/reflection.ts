/** gRPC server reflection, for those who serve it. */
export { ServerReflection, ServerReflectionResponseSchema } from './gen/grpc/reflection/v1/reflection_pb.ts';
export type { ServerReflectionRequest } from './gen/grpc/reflection/v1/reflection_pb.ts';
export { ServerReflection as ServerReflectionAlpha } from './gen/grpc/reflection/v1alpha/reflection_pb.ts';
