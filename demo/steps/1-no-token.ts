import assert from 'node:assert/strict';
import { tellAnswer, tellCommand } from '../tell.ts';
import { MODEL, pretty, QUESTION, type Step } from './step.ts';

/** A call without a token is refused. */
export const noToken: Step = {
  title: 'A call without a token is refused',
  why: 'Default deny: not even the body of a stranger is read, and nothing reaches the model server.',
  async run({ baseUrl, model }) {
    const url = `${baseUrl}/chat/completions`;
    const body = JSON.stringify({ model: MODEL, messages: QUESTION });
    tellCommand(`curl -i ${url} -H 'content-type: application/json' \\`, `  -d '${body}'`);
    const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    const problem: unknown = await response.json();
    const challenge = response.headers.get('www-authenticate') ?? '';
    tellAnswer(`${response.status} ${response.statusText}\nwww-authenticate: ${challenge}\n\n${pretty(problem)}`);

    assert.equal(response.status, 401);
    assert.match(challenge, /^Bearer /);
    assert.equal(reasonOf(problem), 'no-token');
    assert.equal(model.calls.length, 0);
    return 'refused with 401 and the reason no-token; the model server saw 0 calls';
  },
};

const reasonOf = (problem: unknown): unknown =>
  typeof problem === 'object' && problem !== null && 'reason' in problem ? problem.reason : undefined;
