import { InferenceClient } from '@huggingface/inference';
import { ASK, collect, type Endpoint, type Scenario, scenariosOf } from './scenario.ts';

const clientOf = ({ token }: Endpoint): InferenceClient => new InferenceClient(token, { retry_on_error: false });

const ask = { inputs: ASK, parameters: { max_new_tokens: 64, details: true } };
/** What an event of TGI holds, as far as users look at it. */
interface Generated {
  readonly token: { readonly text: string };
  readonly generated_text: string | null;
}

const does = scenariosOf('tgi', '@huggingface/inference', 'a server after docs/openapi.json of TGI');

const RUNS: readonly Scenario[] = [
  does('invoke', 'invoke ', ['0.generated_text'], async (at) =>
    clientOf(at).request({ endpointUrl: `${at.url}/`, ...ask }),
  ),
  does('invoke-stream', 'invoke  stream', ['token.text', 'generated_text'], async (at) =>
    collect(
      clientOf(at).streamingRequest<Generated>({ endpointUrl: `${at.url}/`, ...ask }),
      ({ token, generated_text }) => [token.text, generated_text],
    ),
  ),
  does('generate-stream', 'generate-stream  stream', ['token.text', 'generated_text'], async (at) =>
    collect(
      clientOf(at).streamingRequest<Generated>({ endpointUrl: `${at.url}/generate_stream`, ...ask }),
      ({ token, generated_text }) => [token.text, generated_text],
    ),
  ),
];

/** What the client of Hugging Face does. Every answer tells its tokens by their ids. */
export const TGI: readonly Scenario[] = RUNS.map((run) => ({ ...run, expect: { ...run.expect, withholds: true } }));
