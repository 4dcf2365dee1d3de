import assert from 'node:assert/strict';
import { tell, tellAnswer, tellCommand } from '../tell.ts';
import { MODEL, pretty, QUESTION, refusalOf, type Step } from './step.ts';

const SHELL = {
  type: 'function' as const,
  function: { name: 'shell', parameters: { type: 'object', properties: {} } },
};

/** A call that policy forbids never reaches the model. */
export const policyDenies: Step = {
  title: 'A call that policy forbids is refused, and never reaches the model',
  why: 'Policy looks at the payload of every single call: here, at the tools that Alice offers to the model.',
  async run({ model, alice, client }) {
    tell(`policy no-shell-tools:  when: 'call.tools.exists(t, t.name == "shell")'  then: deny`);
    tellCommand(
      `await openai.chat.completions.create({ model: '${MODEL}', messages: […],`,
      `  tools: [{ type: 'function', function: { name: 'shell', … } }] });`,
    );
    const before = model.calls.length;
    const refused = await refusalOf(
      client(alice).chat.completions.create({ model: MODEL, messages: QUESTION, tools: [SHELL] }),
    );
    tellAnswer(`${refused.status}, as the openai client reports it:\n${refused.message}\n${pretty(refused.error)}`);
    tell(`calls that the model server saw: ${before} before, ${model.calls.length} after`);

    assert.equal(refused.status, 403);
    assert.equal(refused.code, 'policy-denied');
    assert.match(refused.message, /The shell tool is not available here/);
    assert.equal(model.calls.length, before);
    return 'refused with 403 policy-denied; the model server saw nothing';
  },
};
