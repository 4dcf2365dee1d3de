/**
 * Messages of tensorflow.serving.PredictionService and ModelService (tensorflow/serving tensorflow_serving/apis) and the
 * parts of TensorFlow's that they hold (tensorflow/core/framework, core/example), with their field numbers.
 */

import { bytes, fixed32, fixed64, many, mapOf, message, nested, string, varint } from './protobuf-plan.ts';

const version = message('Int64Value', varint(1, 'value'));
const modelSpec = message(
  'ModelSpec',
  string(1, 'name'),
  nested(2, 'version', version),
  string(3, 'signature_name'),
  string(4, 'version_label'),
);

const shape = message(
  'TensorShapeProto',
  many(nested(2, 'dim', message('Dim', varint(1, 'size'), string(2, 'name')))),
  varint(3, 'unknown_rank'),
);
const tensor = message(
  'TensorProto',
  varint(1, 'dtype'),
  nested(2, 'tensor_shape', shape),
  varint(3, 'version_number'),
  bytes(4, 'tensor_content'),
  many(fixed32(5, 'float_val')),
  many(fixed64(6, 'double_val')),
  many(varint(7, 'int_val')),
  many(bytes(8, 'string_val')),
  many(fixed32(9, 'scomplex_val')),
  many(varint(10, 'int64_val')),
  many(varint(11, 'bool_val')),
  many(fixed64(12, 'dcomplex_val')),
  many(varint(13, 'half_val')),
  many(varint(16, 'uint32_val')),
  many(varint(17, 'uint64_val')),
  bytes(18, 'float8_val'),
);
const tensors = (no: number, name: string) => mapOf(no, name, (value, word) => nested(value, word, tensor));

const feature = message(
  'Feature',
  nested(1, 'bytes_list', message('BytesList', many(bytes(1, 'value')))),
  nested(2, 'float_list', message('FloatList', many(fixed32(1, 'value')))),
  nested(3, 'int64_list', message('Int64List', many(varint(1, 'value')))),
);
const features = message(
  'Features',
  mapOf(1, 'feature', (no, name) => nested(no, name, feature)),
);
const example = message('Example', nested(1, 'features', features));
const input = message(
  'Input',
  nested(1, 'example_list', message('ExampleList', many(nested(1, 'examples', example)))),
  nested(
    2,
    'example_list_with_context',
    message('ExampleListWithContext', many(nested(1, 'examples', example)), nested(2, 'context', example)),
  ),
);

const classification = message(
  'ClassificationResult',
  many(
    nested(
      1,
      'classifications',
      message('Classifications', many(nested(1, 'classes', message('Class', string(1, 'label'), fixed32(2, 'score'))))),
    ),
  ),
);
const regression = message(
  'RegressionResult',
  many(nested(1, 'regressions', message('Regression', fixed32(1, 'value')))),
);
const status = message('StatusProto', varint(1, 'error_code'), string(2, 'error_message'));

export const PREDICT_REQUEST = message(
  'PredictRequest',
  nested(1, 'model_spec', modelSpec),
  tensors(2, 'inputs'),
  many(string(3, 'output_filter')),
  nested(5, 'predict_streamed_options', message('PredictStreamedOptions')),
  bytes(6, 'client_id'),
  nested(7, 'request_options', message('RequestOptions', bytes(1, 'client_id'))),
);
export const PREDICT_ANSWER = message('PredictResponse', tensors(1, 'outputs'), nested(2, 'model_spec', modelSpec));

/** Classify and Regress ask alike. */
export const EXAMPLES_REQUEST = message(
  'ClassificationRequest',
  nested(1, 'model_spec', modelSpec),
  nested(2, 'input', input),
);
export const CLASSIFY_ANSWER = message(
  'ClassificationResponse',
  nested(1, 'result', classification),
  nested(2, 'model_spec', modelSpec),
);
export const REGRESS_ANSWER = message(
  'RegressionResponse',
  nested(1, 'result', regression),
  nested(2, 'model_spec', modelSpec),
);
export const MULTI_REQUEST = message(
  'MultiInferenceRequest',
  many(nested(1, 'tasks', message('InferenceTask', nested(1, 'model_spec', modelSpec), string(2, 'method_name')))),
  nested(2, 'input', input),
);
export const MULTI_ANSWER = message(
  'MultiInferenceResponse',
  many(
    nested(
      1,
      'results',
      message(
        'InferenceResult',
        nested(1, 'model_spec', modelSpec),
        nested(2, 'classification_result', classification),
        nested(3, 'regression_result', regression),
      ),
    ),
  ),
);
export const METADATA_REQUEST = message(
  'GetModelMetadataRequest',
  nested(1, 'model_spec', modelSpec),
  many(string(2, 'metadata_field')),
);
const any = message('Any', string(1, 'type_url'), bytes(2, 'value'));
export const METADATA_ANSWER = message(
  'GetModelMetadataResponse',
  nested(1, 'model_spec', modelSpec),
  mapOf(2, 'metadata', (no, name) => nested(no, name, any)),
);
export const STATUS_REQUEST = message('GetModelStatusRequest', nested(1, 'model_spec', modelSpec));
export const STATUS_ANSWER = message(
  'GetModelStatusResponse',
  many(
    nested(
      1,
      'model_version_status',
      message('ModelVersionStatus', varint(1, 'version'), varint(2, 'state'), nested(3, 'status', status)),
    ),
  ),
);
export const RELOAD_REQUEST = message(
  'ReloadConfigRequest',
  nested(1, 'config', message('ModelServerConfig')),
  many(string(2, 'metric_names')),
);
export const RELOAD_ANSWER = message(
  'ReloadConfigResponse',
  nested(1, 'status', status),
  many(nested(2, 'metric', message('Metric', string(1, 'name'), varint(2, 'int64_value_increase')))),
);
