import { ask, askJson } from './plain-http.ts';
import { type Scenario, scenariosOf } from './scenario.ts';

const does = scenariosOf('torchserve', 'HTTP', 'TorchServe 0.12.0');

const PREDICTIONS: readonly Scenario[] = [
  does('predict', 'predict talker', ['said'], async (at) =>
    askJson(at, '/predictions/talker', { text: 'Who is anna@example.com?' }),
  ),
  does('predict-version', 'predict talker', ['said'], async (at) =>
    askJson(at, '/predictions/talker/1.0', { text: 'Who is anna@example.com?' }),
  ),
  // an answer that is a text has no type at all
  does('predict-text', 'predict talker', ['text'], async (at) =>
    ask(at, '/predictions/talker', 'Who is anna@example.com?'),
  ),
  does('ping', 'health ', [], async (at) => askJson(at, '/ping')),
];

const MANAGEMENT: readonly Scenario[] = [
  does('models', 'models.list ', [], async (at) => askJson(at, '/models?limit=5')),
  does('model', 'models.show talker', [], async (at) => askJson(at, '/models/talker')),
];

/** What clients of TorchServe do, by the port that they do it at. */
export const TORCHSERVE_AT = { predictions: PREDICTIONS, management: MANAGEMENT };

/** What clients of TorchServe do. */
export const TORCHSERVE: readonly Scenario[] = Object.values(TORCHSERVE_AT).flat();
