/** Which dialect a configured classifier speaks. */

import type { ClassifierConfig } from '../config.ts';
import { bedrock } from './bedrock.ts';
import { llamaGuard } from './llama-guard.ts';
import { presidio } from './presidio.ts';
import type { Dialect } from './question.ts';
import { webhook } from './webhook.ts';

const DIALECTS: Readonly<Record<ClassifierConfig['kind'], (config: ClassifierConfig) => Dialect>> = {
  webhook: () => webhook,
  presidio: ({ language, entities, threshold }) => presidio({ language, entities, threshold }),
  'llama-guard': ({ model }) => llamaGuard(model ?? ''),
  bedrock: ({ guardrail }) => bedrock(guardrail ?? { id: '', version: '' }),
};

/** Returns the dialect. What a kind needs, the config's checks have asked for. */
export const dialectOf = (config: ClassifierConfig): Dialect => DIALECTS[config.kind](config);
