import assert from 'node:assert/strict';
import { tell, tellAnswer, tellCommand } from '../tell.ts';
import { MODEL_KEY } from '../world.ts';
import { MODEL, QUESTION, type Step } from './step.ts';

/** A call with a token passes, from a client that knows nothing of the gateway. */
export const openaiClient: Step = {
  title: 'With a token, the unmodified openai client works',
  why: 'Clients change two settings: the base URL, and a token of their identity provider where the API key was.',
  async run({ baseUrl, model, alice, client }) {
    tellCommand(
      `const openai = new OpenAI({ baseURL: '${baseUrl}', apiKey: TOKEN_OF_ALICE });`,
      `await openai.chat.completions.create({ model: '${MODEL}', messages: [{ role: 'user', content: '${QUESTION[0]?.content}' }] });`,
    );
    const { data, response } = await client(alice)
      .chat.completions.create({ model: MODEL, messages: QUESTION })
      .withResponse();
    const session = response.headers.get('sallyport-session') ?? '';
    const presented = String(model.calls.at(-1)?.headers.authorization);
    tellAnswer(`${response.status}\nsallyport-session: ${session}\n\n${data.choices[0]?.message.content}`);
    tell(`The model server was shown "authorization: ${presented}": the gateway's own key, not Alice's token.`);

    assert.equal(model.calls.length, 1);
    assert.match(data.choices[0]?.message.content ?? '', /gateway stands between/);
    assert.match(session, /^[0-9a-z]{26}$/);
    assert.equal(presented, `Bearer ${MODEL_KEY}`);
    assert.ok(!JSON.stringify(model.calls[0]?.headers).includes(alice.token));
    return 'answered; Alice’s token stayed on this side of the gateway';
  },
};
