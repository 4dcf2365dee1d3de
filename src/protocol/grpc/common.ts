/** Methods that any gRPC server may have: health (grpc.health.v1) and reflection (v1, v1alpha). */

import { BIDI, type GrpcMethod, SERVER_STREAM, UNARY } from './codec.ts';
import { plannedMethod } from './generic.ts';
import { bytes, many, mapOf, message, nested, string, varint } from './protobuf-plan.ts';

const HEALTH_REQUEST = message('HealthCheckRequest', string(1, 'service'));
const HEALTH_ANSWER = message('HealthCheckResponse', varint(1, 'status'));
const HEALTH_LIST = message(
  'HealthListResponse',
  mapOf(1, 'statuses', (no, name) => nested(no, name, HEALTH_ANSWER)),
);

const EXTENSION = message('ExtensionRequest', string(1, 'containing_type'), varint(2, 'extension_number'));
const REFLECTION_REQUEST = message(
  'ServerReflectionRequest',
  string(1, 'host'),
  string(3, 'file_by_filename'),
  string(4, 'file_containing_symbol'),
  nested(5, 'file_containing_extension', EXTENSION),
  string(6, 'all_extension_numbers_of_type'),
  string(7, 'list_services'),
);
const REFLECTION_ANSWER = message(
  'ServerReflectionResponse',
  string(1, 'valid_host'),
  nested(2, 'original_request', REFLECTION_REQUEST),
  nested(4, 'file_descriptor_response', message('FileDescriptorResponse', many(bytes(1, 'file_descriptor_proto')))),
  nested(
    5,
    'all_extension_numbers_response',
    message('ExtensionNumberResponse', string(1, 'base_type_name'), many(varint(2, 'extension_number'))),
  ),
  nested(
    6,
    'list_services_response',
    message('ListServiceResponse', many(nested(1, 'service', message('ServiceResponse', string(1, 'name'))))),
  ),
  nested(7, 'error_response', message('ErrorResponse', varint(1, 'error_code'), string(2, 'error_message'))),
);

const REFLECTION = plannedMethod('reflection', BIDI, REFLECTION_REQUEST, REFLECTION_ANSWER);

/** Methods by path. */
export const COMMON_METHODS: ReadonlyMap<string, GrpcMethod> = new Map([
  ['/grpc.health.v1.Health/Check', plannedMethod('health.check', UNARY, HEALTH_REQUEST, HEALTH_ANSWER)],
  ['/grpc.health.v1.Health/Watch', plannedMethod('health.watch', SERVER_STREAM, HEALTH_REQUEST, HEALTH_ANSWER)],
  ['/grpc.health.v1.Health/List', plannedMethod('health.list', UNARY, message('HealthListRequest'), HEALTH_LIST)],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', REFLECTION],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', REFLECTION],
]);
