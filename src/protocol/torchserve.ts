/**
 * TorchServe: predictions of any shape, the KServe protocols beside them, and its management API where it shares the
 * port. (pytorch/serve, docs/inference_api.md and docs/management_api.md)
 */

import type { RequestReading } from '../call.ts';
import type { Codec, Operation } from './codec.ts';
import { combine } from './combine.ts';
import { freeContent, textAnswer } from './free-body.ts';
import { headField } from './head-field.ts';
import { http } from './http.ts';
import { kserve } from './kserve/kserve.ts';
import { bodyForm } from './media-type.ts';
import { compileOperations, type Row } from './operations.ts';
import { tfserving } from './tfserving.ts';

const managing = { management: true } as const;

const OPERATIONS: readonly Row[] = [
  { name: 'predict', method: 'POST', path: '/predictions/{model}', body: 'optional' },
  { name: 'predict', method: 'POST', path: '/predictions/{model}/{version}', body: 'optional' },
  { name: 'predict', method: 'PUT', path: '/predictions/{model}', body: 'optional' },
  { name: 'predict', method: 'PUT', path: '/predictions/{model}/{version}', body: 'optional' },
  { name: 'predict', method: 'GET', path: '/predictions/{model}', body: 'none' },
  { name: 'predict', method: 'GET', path: '/predictions/{model}/{version}', body: 'none' },
  { name: 'explain', method: 'POST', path: '/explanations/{model}', body: 'optional' },
  { name: 'explain', method: 'POST', path: '/explanations/{model}/{version}', body: 'optional' },
  { name: 'workflow.predict', method: 'POST', path: '/wfpredict/{model}', body: 'optional' },
  { name: 'health', method: 'GET', path: '/ping', body: 'none' },
  { name: 'models.list', method: 'GET', path: '/models', body: 'none', ...managing },
  { name: 'models.show', method: 'GET', path: '/models/{model}', body: 'none', ...managing },
  { name: 'models.show', method: 'GET', path: '/models/{model}/{version}', body: 'none', ...managing },
  { name: 'models.register', method: 'POST', path: '/models', body: 'optional', ...managing },
  { name: 'models.scale', method: 'PUT', path: '/models/{model}', body: 'optional', ...managing },
  { name: 'models.scale', method: 'PUT', path: '/models/{model}/{version}', body: 'optional', ...managing },
  {
    name: 'models.default',
    method: 'PUT',
    path: '/models/{model}/{version}/set-default',
    body: 'optional',
    ...managing,
  },
  { name: 'models.unregister', method: 'DELETE', path: '/models/{model}', body: 'none', ...managing },
  { name: 'models.unregister', method: 'DELETE', path: '/models/{model}/{version}', body: 'none', ...managing },
  { name: 'metrics', method: 'GET', path: '/metrics', body: 'none', ...managing },
];

/** The forms that a handler may take; anything else is a file. */
const FORMS = ['json', 'text', 'ndjson', 'none', 'other'] as const;

const native: Codec = {
  ...http,
  protocol: 'torchserve',
  about: {
    ...http.about,
    title: 'TorchServe',
    operations: OPERATIONS,
    model: 'the path',
    reads: 'bodies that are JSON or text in UTF-8, whatever they call themselves; answers likewise',
    limits:
      'other bodies are files that nobody sees, and refused unless the service says `opaque: allow`; streams pass only when nothing is masked; an answer that comes in pieces without a type is one text, and waits until it is whole where something is masked',
    clients: [],
    witness: { kind: 'unproven' },
  },
  operation: compileOperations(OPERATIONS),
  content: (operation, body) =>
    freeContent({ operation, nonFinite: true, read: (value) => reading(operation, value) }, body, FORMS),
  nonFinite: true,
  answerContent: (_, rawHeaders) =>
    ['none', 'other'].includes(bodyForm(headField(rawHeaders, 'content-type', 'answer-unreadable') ?? ''))
      ? textAnswer
      : null,
};

const reading = (operation: Operation, value: unknown): RequestReading => ({
  ...http.request(operation, value),
  model: '',
});

/** The codec of TorchServe. */
export const torchserve: Codec = combine(
  'torchserve',
  {
    ...native.about,
    operations: [...OPERATIONS, ...kserve.about.operations, ...tfserving.about.operations],
    clients: [{ name: 'curl', url: 'http://HOST/NAME/predictions/MODEL', token: '`Authorization: Bearer TOKEN`' }],
    witness: {
      kind: 'proven',
      by: [
        'predictions, health and management: TorchServe 0.12.0 itself, asked as its documentation says',
        'the KServe paths: the examples of pytorch/serve, kubernetes/kserve/kf_request_json',
      ],
    },
  },
  [native, kserve, tfserving],
);
