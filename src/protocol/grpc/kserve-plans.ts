/**
 * Messages of inference.GRPCInferenceService: the Open Inference Protocol (kserve/open-inference-protocol) and Triton's
 * extensions (triton-inference-server/common protobuf/grpc_service.proto), with their field numbers.
 */

import {
  bytes,
  fixed32,
  fixed64,
  many,
  mapOf,
  message,
  nested,
  string,
  varint,
  type MessagePlan,
} from './protobuf-plan.ts';

const parameter = message(
  'InferParameter',
  varint(1, 'bool_param'),
  varint(2, 'int64_param'),
  string(3, 'string_param'),
  fixed64(4, 'double_param'),
  varint(5, 'uint64_param'),
);
const parameters = (no: number) => mapOf(no, 'parameters', (value, name) => nested(value, name, parameter));

const contents = message(
  'InferTensorContents',
  many(varint(1, 'bool_contents')),
  many(varint(2, 'int_contents')),
  many(varint(3, 'int64_contents')),
  many(varint(4, 'uint_contents')),
  many(varint(5, 'uint64_contents')),
  many(fixed32(6, 'fp32_contents')),
  many(fixed64(7, 'fp64_contents')),
  many(bytes(8, 'bytes_contents')),
);

const tensor = (name: string): MessagePlan =>
  message(
    name,
    string(1, 'name'),
    string(2, 'datatype'),
    many(varint(3, 'shape')),
    parameters(4),
    nested(5, 'contents', contents),
  );

const versioned = (name: string): MessagePlan => message(name, string(1, 'name'), string(2, 'version'));
const named = (name: string): MessagePlan => message(name, string(1, 'name'));
const empty = (name: string): MessagePlan => message(name);

export const INFER_REQUEST = message(
  'ModelInferRequest',
  string(1, 'model_name'),
  string(2, 'model_version'),
  string(3, 'id'),
  parameters(4),
  many(nested(5, 'inputs', tensor('InferInputTensor'))),
  many(nested(6, 'outputs', message('InferRequestedOutputTensor', string(1, 'name'), parameters(2)))),
  many(bytes(7, 'raw_input_contents')),
);

export const INFER_ANSWER = message(
  'ModelInferResponse',
  string(1, 'model_name'),
  string(2, 'model_version'),
  string(3, 'id'),
  parameters(4),
  many(nested(5, 'outputs', tensor('InferOutputTensor'))),
  many(bytes(6, 'raw_output_contents')),
);

/** The answer of a stream; what it carries is read as an INFER_ANSWER by itself. */
export const STREAM_ANSWER = message(
  'ModelStreamInferResponse',
  string(1, 'error_message'),
  bytes(2, 'infer_response'),
);

const metadata = message('TensorMetadata', string(1, 'name'), string(2, 'datatype'), many(varint(3, 'shape')));
const repository = message(
  'ModelRepositoryParameter',
  varint(1, 'bool_param'),
  varint(2, 'int64_param'),
  string(3, 'string_param'),
  bytes(4, 'bytes_param'),
);
const loading = (name: string): MessagePlan =>
  message(
    name,
    string(1, 'repository_name'),
    string(2, 'model_name'),
    mapOf(3, 'parameters', (no, value) => nested(no, value, repository)),
  );
const traceSetting = message('SettingValue', many(string(1, 'value')));
const traceSettings = mapOf(1, 'settings', (no, name) => nested(no, name, traceSetting));
const logSetting = message(
  'SettingValue',
  varint(1, 'bool_param'),
  varint(2, 'uint32_param'),
  string(3, 'string_param'),
);
const logSettings = mapOf(1, 'settings', (no, name) => nested(no, name, logSetting));
const systemRegion = message(
  'RegionStatus',
  string(1, 'name'),
  string(2, 'key'),
  varint(3, 'offset'),
  varint(4, 'byte_size'),
);
const cudaRegion = message('RegionStatus', string(1, 'name'), varint(2, 'device_id'), varint(3, 'byte_size'));

/** A method that asks no model: what policies call it, whether it is about the server itself, and its messages. */
interface Row {
  readonly operation: string;
  readonly management?: true;
  readonly request: MessagePlan;
  readonly answer: MessagePlan;
}

/** Every unary method but ModelInfer, by its name; operations are called as over REST (kserve/kserve.ts). */
export const PLAIN_METHODS: Readonly<Record<string, Row>> = {
  ServerLive: {
    operation: 'health.live',
    request: empty('ServerLiveRequest'),
    answer: message('ServerLiveResponse', varint(1, 'live')),
  },
  ServerReady: {
    operation: 'health.ready',
    request: empty('ServerReadyRequest'),
    answer: message('ServerReadyResponse', varint(1, 'ready')),
  },
  ServerMetadata: {
    operation: 'server.metadata',
    request: empty('ServerMetadataRequest'),
    answer: message('ServerMetadataResponse', string(1, 'name'), string(2, 'version'), many(string(3, 'extensions'))),
  },
  ModelReady: {
    operation: 'model.ready',
    request: versioned('ModelReadyRequest'),
    answer: message('ModelReadyResponse', varint(1, 'ready')),
  },
  ModelMetadata: {
    operation: 'model.metadata',
    request: versioned('ModelMetadataRequest'),
    answer: message(
      'ModelMetadataResponse',
      string(1, 'name'),
      many(string(2, 'versions')),
      string(3, 'platform'),
      many(nested(4, 'inputs', metadata)),
      many(nested(5, 'outputs', metadata)),
    ),
  },
  // model_config.proto has some 200 fields: what stands in them is looked at as bytes of unknown meaning
  ModelConfig: {
    operation: 'model.config',
    management: true,
    request: versioned('ModelConfigRequest'),
    answer: message('ModelConfigResponse', nested(1, 'config', empty('ModelConfig'))),
  },
  ModelStatistics: {
    operation: 'statistics',
    management: true,
    request: versioned('ModelStatisticsRequest'),
    answer: message(
      'ModelStatisticsResponse',
      many(nested(1, 'model_stats', message('ModelStatistics', string(1, 'name'), string(2, 'version')))),
    ),
  },
  RepositoryIndex: {
    operation: 'repository.index',
    management: true,
    request: message('RepositoryIndexRequest', string(1, 'repository_name'), varint(2, 'ready')),
    answer: message(
      'RepositoryIndexResponse',
      many(
        nested(
          1,
          'models',
          message('ModelIndex', string(1, 'name'), string(2, 'version'), string(3, 'state'), string(4, 'reason')),
        ),
      ),
    ),
  },
  RepositoryModelLoad: {
    operation: 'repository.load',
    management: true,
    request: loading('RepositoryModelLoadRequest'),
    answer: empty('RepositoryModelLoadResponse'),
  },
  RepositoryModelUnload: {
    operation: 'repository.unload',
    management: true,
    request: loading('RepositoryModelUnloadRequest'),
    answer: empty('RepositoryModelUnloadResponse'),
  },
  SystemSharedMemoryStatus: {
    operation: 'system_shared_memory.status',
    management: true,
    request: named('SystemSharedMemoryStatusRequest'),
    answer: message(
      'SystemSharedMemoryStatusResponse',
      mapOf(1, 'regions', (no, name) => nested(no, name, systemRegion)),
    ),
  },
  SystemSharedMemoryRegister: {
    operation: 'system_shared_memory.register',
    management: true,
    request: message(
      'SystemSharedMemoryRegisterRequest',
      string(1, 'name'),
      string(2, 'key'),
      varint(3, 'offset'),
      varint(4, 'byte_size'),
    ),
    answer: empty('SystemSharedMemoryRegisterResponse'),
  },
  SystemSharedMemoryUnregister: {
    operation: 'system_shared_memory.unregister',
    management: true,
    request: named('SystemSharedMemoryUnregisterRequest'),
    answer: empty('SystemSharedMemoryUnregisterResponse'),
  },
  CudaSharedMemoryStatus: {
    operation: 'cuda_shared_memory.status',
    management: true,
    request: named('CudaSharedMemoryStatusRequest'),
    answer: message(
      'CudaSharedMemoryStatusResponse',
      mapOf(1, 'regions', (no, name) => nested(no, name, cudaRegion)),
    ),
  },
  CudaSharedMemoryRegister: {
    operation: 'cuda_shared_memory.register',
    management: true,
    request: message(
      'CudaSharedMemoryRegisterRequest',
      string(1, 'name'),
      bytes(2, 'raw_handle'),
      varint(3, 'device_id'),
      varint(4, 'byte_size'),
    ),
    answer: empty('CudaSharedMemoryRegisterResponse'),
  },
  CudaSharedMemoryUnregister: {
    operation: 'cuda_shared_memory.unregister',
    management: true,
    request: named('CudaSharedMemoryUnregisterRequest'),
    answer: empty('CudaSharedMemoryUnregisterResponse'),
  },
  TraceSetting: {
    operation: 'trace.set',
    management: true,
    request: message('TraceSettingRequest', traceSettings, string(2, 'model_name')),
    answer: message('TraceSettingResponse', traceSettings),
  },
  LogSettings: {
    operation: 'logging.set',
    management: true,
    request: message('LogSettingsRequest', logSettings),
    answer: message('LogSettingsResponse', logSettings),
  },
};
