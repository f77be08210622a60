import { create, toBinary } from '@bufbuild/protobuf';
import type { DescFile, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { ServerReflectionResponseSchema } from '@rampart/wire/reflection';
import type { ServerReflectionRequest } from '@rampart/wire/reflection';

type Response = MessageShape<typeof ServerReflectionResponseSchema>;
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

/** What generic clients ask a server about its services (grpc/grpc-proto, reflection.proto). Nothing here is extended. */
export class Reflection {
  readonly #services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();

  constructor(services: readonly DescService[]) {
    this.#services = services;
    for (const { file } of services) this.#add(file);
  }

  async *answers(requests: AsyncIterable<ServerReflectionRequest>): AsyncGenerator<Response> {
    for await (const originalRequest of requests) {
      const messageResponse = this.#answer(originalRequest.messageRequest);
      yield create(ServerReflectionResponseSchema, {
        validHost: originalRequest.host,
        originalRequest,
        messageResponse,
      });
    }
  }

  #answer({ case: what, value }: ServerReflectionRequest['messageRequest']): Answer {
    switch (what) {
      case 'listServices': {
        const service = this.#services.map(({ typeName }) => ({ name: typeName }));
        return { case: 'listServicesResponse', value: { service } };
      }
      case 'fileByFilename':
        return fileAnswer(this.#files.get(value), value);
      case 'fileContainingSymbol':
        return fileAnswer(this.#fileOf(value), value);
      case 'allExtensionNumbersOfType':
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value, extensionNumber: [] } };
      case 'fileContainingExtension':
        return notFound(value.containingType);
      case undefined:
        return { case: 'errorResponse', value: { errorCode: Code.InvalidArgument, errorMessage: 'nothing was asked' } };
    }
  }

  #add(file: DescFile): void {
    const { name } = file.proto;
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const dependency of file.dependencies) this.#add(dependency);
  }

  /** Of a service, a method ("pkg.Service.Method" or "pkg.Service/Method") or a message. */
  #fileOf(symbol: string): DescFile | undefined {
    const owner = symbol.replace(/[./][^./]*$/, '');
    return [...this.#files.values()].find(
      ({ services, messages, enums }) =>
        services.some(({ typeName }) => typeName === symbol || typeName === owner) ||
        [...messages, ...enums].some(({ typeName }) => symbol === typeName || symbol.startsWith(`${typeName}.`)),
    );
  }
}

/** The file alone: clients ask for what it imports by name. */
function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return notFound(asked);
  const fileDescriptorProto = [toBinary(FileDescriptorProtoSchema, file.proto)];
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function notFound(asked: string): Answer {
  return { case: 'errorResponse', value: { errorCode: Code.NotFound, errorMessage: `there is no ${asked} here` } };
}
