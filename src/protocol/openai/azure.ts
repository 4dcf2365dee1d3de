/** Azure OpenAI: OpenAI's operations under a deployment that stands in the path, or under `/openai/v1`. (learn.microsoft.com) */

import type { Codec } from '../codec.ts';
import { openaiForm } from './form.ts';
import { openai } from './openai.ts';
import { compileOperations, type Row } from '../operations.ts';

/** What a deployment answers; everything else belongs to the resource. */
const OF_DEPLOYMENTS = /^(?:chat|completions|embeddings|images|audio)\b/;

const under = (row: Row, prefix: string): Row => ({ ...row, path: row.path.replace(/^\/v1/, prefix) });

const OPERATIONS: readonly Row[] = openai.about.operations.flatMap((row) => [
  ...(OF_DEPLOYMENTS.test(row.name) ? [under(row, '/openai/deployments/{model}')] : [under(row, '/openai')]),
  under(row, '/openai/v1'),
]);

/** The codec of Azure OpenAI. */
export const azure: Codec = {
  ...openai,
  protocol: 'azure',
  about: {
    ...openai.about,
    title: 'Azure OpenAI',
    operations: OPERATIONS,
    model: 'path (the deployment); under `/openai/v1` body `model`',
    clients: [
      { name: 'openai (AzureOpenAI)', url: 'http://HOST/NAME', token: '`apiKey`, with the URL as `endpoint`' },
      { name: 'openai', url: 'http://HOST/NAME/openai/v1', token: '`api_key`' },
    ],
    witness: {
      kind: 'proven',
      by: [
        'the official Node client (openai, AzureOpenAI) against @copilotkit/aimock',
        'the reference of learn.microsoft.com',
      ],
    },
  },
  operation: compileOperations(OPERATIONS),
  // Requests of a batch name their paths without a deployment, and mostly without a version.
  content: (asked, body) =>
    asked.body === 'form'
      ? openaiForm(asked, body, (method, path) =>
          openai.operation(method, path.startsWith('/v1/') ? path : `/v1${path}`),
        )
      : null,
};
