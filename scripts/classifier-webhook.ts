/** Writes docs/classifier-webhook.json: the contract for classifiers of an operator's own, as OpenAPI 3.1. */

import { z } from 'zod';
import { webhookAnswer, webhookQuestion } from '../src/classify/webhook.ts';

const schemaOf = (of: z.ZodType, io: 'input' | 'output'): object => {
  const { $schema: _, ...schema } = z.toJSONSchema(of, {
    io,
    override: ({ jsonSchema }) => {
      // Zod writes the largest safe integer where there is no bound.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return schema;
};

const json = (schema: object): object => ({ content: { 'application/json': { schema } } });

/** Returns the contract as an OpenAPI document. */
export const classifierWebhook = (): object => ({
  openapi: '3.1.0',
  info: { title: 'Sallyport classifier webhook', version: '1' },
  paths: {
    '/': {
      post: {
        operationId: 'classify',
        summary: 'Say what the texts of a call are.',
        requestBody: { required: true, ...json(schemaOf(webhookQuestion, 'output')) },
        responses: {
          200: { description: 'What they are.', ...json(schemaOf(webhookAnswer, 'input')) },
          default: { description: 'Anything else, a redirect too, counts as a failure of the classifier.' },
        },
      },
    },
  },
});
