import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { tell, tellAnswer, tellCommand } from '../tell.ts';
import type { World } from '../world.ts';
import { MODEL, type Step } from './step.ts';

/** A call that needs a human waits, is approved by somebody else, and goes through. */
export const humanApproves: Step = {
  title: 'A call that needs a human waits, is approved by a second person, and goes through',
  why: 'An approval is for exactly these bytes, this caller and one use; nobody approves a call of their own.',
  async run(world) {
    const { model, alice, bob, client, left, sallyport } = world;
    tell(`policy big-jobs-need-a-human:  when: 'call.max_tokens > 8000'  then: approve by group:ml-leads`);
    tellCommand(
      `await openai.chat.completions.create({ model: '${MODEL}', max_tokens: 9000,`,
      `  messages: [{ role: 'user', content: 'Write a novel.' }] }, { headers: { prefer: 'wait=30' } });`,
    );
    const before = model.calls.length;
    const asked = client(alice)
      .chat.completions.create(
        { model: MODEL, max_tokens: 9000, messages: [{ role: 'user', content: 'Write a novel.' }] },
        { headers: { prefer: 'wait=30' } },
      )
      .withResponse();
    // Looked at below; until then a failure must not end the demo as an unhandled one.
    asked.catch(() => {});
    const id = await pendingApproval(world);
    assert.equal(model.calls.length, before, 'the call did not wait');
    tell(`Alice's call waits, and the model server has seen nothing of it. Bob, who leads the group, looks at it:`);

    tellCommand(`SALLYPORT_TOKEN=$TOKEN_OF_BOB sallyport approvals show ${id}`);
    const shown = await sallyport(['approvals', 'show', id], bob);
    tellAnswer(shown.stdout + shown.stderr);
    assert.match(shown.stdout, /Write a novel/);
    tellCommand(`SALLYPORT_TOKEN=$TOKEN_OF_ALICE sallyport approvals approve ${id} --yes   # Alice tries it herself`);
    const own = await sallyport(['approvals', 'approve', id, '--yes'], alice);
    tellAnswer(own.stderr);
    assert.notEqual(own.code, 0, 'Alice approved her own call');
    assert.equal(model.calls.length, before, 'the call did not wait');
    const reason = 'one novel is fine';
    tellCommand(`SALLYPORT_TOKEN=$TOKEN_OF_BOB sallyport approvals approve ${id} --yes --reason '${reason}'`);
    const approved = await sallyport(['approvals', 'approve', id, '--yes', '--reason', reason], bob);
    tellAnswer(approved.stdout + approved.stderr);
    assert.equal(approved.code, 0, approved.stderr);

    const { data, response } = await asked;
    left.approvedSession = response.headers.get('sallyport-session') ?? '';
    tellAnswer(`${response.status}, to Alice's call that was waiting:\n${data.choices[0]?.message.content}`);
    assert.match(data.choices[0]?.message.content ?? '', /dark and stormy/);
    assert.equal(model.calls.length, before + 1);
    return 'Alice could not approve her own call, Bob could, and the very call that waited was answered';
  },
};

const WITHIN_MS = 10_000;

/** Resolves to the id of the approval that is waited for, once it is there. */
async function pendingApproval({ sallyport, bob }: World): Promise<string> {
  for (const until = Date.now() + WITHIN_MS; Date.now() < until; await sleep(100)) {
    const { stdout } = await sallyport(['approvals', 'list', '--json'], bob);
    const list: unknown = stdout === '' ? [] : JSON.parse(stdout);
    const first: unknown = Array.isArray(list) ? list[0] : undefined;
    if (typeof first === 'object' && first !== null && 'id' in first) return String(first.id);
  }
  throw new Error('no approval was asked for within 10 s');
}
