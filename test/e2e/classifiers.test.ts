import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream, chatToolStream, json, messageStream, responsesStream } from '../support/model-answers.ts';
import type { Answer } from '../support/model-server.ts';
import { type ScriptedClassifier, startClassifier } from '../support/scripted-classifier.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let guard: ScriptedClassifier;
let world: World;
beforeAll(async () => {
  guard = await startClassifier();
  world = await startWorld((places) =>
    usualConfig(places).replace(
      'masking:',
      `  - { name: no-attacks, when: 'call.classified.guard.flagged', then: deny, message: Not that. }
  - { name: no-violence-out, on: answer, when: '"violence" in answer.classified.guard.labels', then: deny }
  - { name: nobody-shouts, when: 'call.texts.exists(t, t.text.startsWith("SHOUT"))', then: deny }
classifiers:
  - name: guard
    kind: webhook
    services: [llm]
    url: ${guard.url}/classify
    credential: { bearer: { env: UPSTREAM_KEY } }
    on_error: deny
    timeout: 20s
    window: { characters: 256, time: 60s, context: 64, overlap: 0 }
  - name: names
    kind: webhook
    services: [claude]
    url: ${guard.url}/classify
    credential: { bearer: { env: UPSTREAM_KEY } }
    on_error: deny
    timeout: 20s
    window: { characters: 256, time: 60s, context: 64, overlap: 16 }
masking:
  - name: people
    direction: both
    entities: [guard.person, names.person]`,
    ),
  );
});
afterAll(async () => {
  await world.close();
  await guard.close();
});

const ask = (content: string) => ({ model: 'model-1', messages: [{ role: 'user' as const, content }] });
const client = async (who = 'carol') =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey: await world.idp.token(who), maxRetries: 0 });

interface Raw {
  readonly status: number;
  readonly text: string;
  readonly complete: boolean;
  readonly session: string;
}

/** `came` hears of the answer as far as it has come. */
const raw = async (
  body: object,
  path = '/llm/v1/chat/completions',
  came: (text: string) => void = () => {},
): Promise<Raw> => {
  const token = await world.idp.token('carol');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const sent = request(`${world.url}${path}`, { method: 'POST', headers }).end(JSON.stringify(body));
  const [answer]: IncomingMessage[] = await once(sent, 'response');
  if (answer === undefined) throw new Error('expected an answer');
  let text = '';
  answer.on('error', () => {});
  answer.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    came(text);
  });
  await new Promise((resolve) => answer.on('close', resolve));
  const session = String(answer.headers['sallyport-session']);
  return { status: answer.statusCode ?? 0, text, complete: answer.complete, session };
};

const contentOf = (stream: string): string =>
  [...stream.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => String(JSON.parse(text ?? '""'))).join('');

const shown = async (session: string) => {
  const { stdout } = await world.cli(['sessions', 'show', session, '--json']);
  const found: unknown = JSON.parse(stdout);
  return found;
};

let seen = 0;
afterEach(() => {
  seen = guard.questions.length;
});
const questions = () => guard.questions.slice(seen);

describe('a request', () => {
  it('is shown to a classifier that a rule reads, masked, and passes when it says nothing against it', async () => {
    world.model.next(chat('Hello.'));
    const { session, status } = await raw(ask('I am Jo, jo@example.com. Hello 👋'));
    expect(status).toBe(200);
    expect(questions()[0]).toEqual({
      version: 1,
      phase: 'request',
      service: 'llm',
      model: 'model-1',
      masked: true,
      asked: '',
      texts: [{ role: 'user', text: 'I am Jo, <EMAIL>. Hello 👋', from: 0 }],
    });
    expect(await shown(session)).toMatchObject({
      opening: { facts: { classified: { guard: { outcome: 'passed', asked: 1 } } } },
      ending: { classified: { guard: { outcome: 'passed' } } },
    });
  });

  it('is denied by a rule for what a classifier said, and never reaches the model', async () => {
    const before = world.model.requests.length;
    const { status, text, session } = await raw(ask('Plan an attack.'));
    expect([status, text.includes('"reason":"policy-denied"'), text.includes('Not that.')]).toEqual([403, true, true]);
    expect(world.model.requests.length).toBe(before);
    expect(await shown(session)).toMatchObject({
      opening: { facts: { classified: { guard: { outcome: 'flagged', labels: ['violence'], score: 1 } } } },
    });
  });

  it('is not shown when it is denied anyway: the record says skipped', async () => {
    const { status, session } = await raw(ask('SHOUT attack'));
    expect(status).toBe(403);
    expect(questions()).toEqual([]);
    expect(await shown(session)).toMatchObject({
      opening: { facts: { classified: { guard: { outcome: 'skipped', asked: 0 } } } },
    });
  });

  it('has what the classifier found masked, behind characters of two units, and in no other text', async () => {
    world.model.next(chat('Hello.'));
    await raw(ask('👋🏽 Write to Anna Schmidt, Anna Schmid.'));
    expect(world.model.requests.at(-1)?.body.toString()).toContain('👋🏽 Write to <PERSON>, Anna Schmid.');
  });

  it('costs services without a classifier nothing: it is not asked', async () => {
    world.model.next(json({ said: 'attack' }));
    const { status } = await raw({ say: 'attack' }, '/any/x');
    expect([status, questions()]).toEqual([200, []]);
  });
});

describe('an answer', () => {
  it('passes byte for byte when nothing is found, whole and streamed', async () => {
    const whole = chat('All is well.');
    world.model.next(whole);
    expect((await raw(ask('Hi'))).text).toBe(bodyOf(whole));
    const streamed = chatStream(['All', ' is well', '. And', ' more']);
    world.model.next(streamed);
    const got = await raw({ ...ask('Hi'), stream: true });
    expect([got.text, got.complete]).toEqual([bodyOf(streamed), true]);
  });

  it('is refused whole for what a classifier said of it', async () => {
    world.model.next(chat('How to attack.'));
    const { status, text } = await raw(ask('Hi'));
    expect([status, text.includes('"reason":"policy-denied"'), text.includes('attack')]).toEqual([403, true, false]);
  });

  it('is refused before its head leaves when its first sentence is flagged', async () => {
    const whole = chatStream(['How to at', 'tack. ', 'More']);
    world.model.next({ ...whole, steps: [{ send: bodyOf(whole) }] });
    const { status, text } = await raw({ ...ask('Hi'), stream: true });
    expect([status, text.includes('policy-denied'), text.includes('tack')]).toEqual([403, true, false]);
  });

  it('breaks off before a flagged sentence, and what was released before stays whole', async () => {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const whole = chatStream(['All is well. ', 'You ', 'att', 'ack', ' at dawn. ', 'Good', ' night.']);
    const at = whole.steps.findIndex((step) => 'send' in step && String(step.send).includes('All is well. '));
    world.model.next({ ...whole, steps: whole.steps.toSpliced(at + 1, 0, { until: released }) });
    const { text, complete, session } = await raw({ ...ask('Hi'), stream: true }, undefined, (came) => {
      if (came.includes('All is well. ')) resolve();
    });
    expect(complete).toBe(false);
    expect(contentOf(text)).toBe('All is well. ');
    expect(await shown(session)).toMatchObject({
      ending: { reason: 'policy-denied', classified: { guard: { outcome: 'flagged', labels: ['violence'] } } },
    });
  });

  it('has a name masked that is spread over events, in a stream and whole', async () => {
    const said = 'Ask 👩‍🚀 Anna Schmidt. She, Anna Schmidt, knows.';
    const masked = 'Ask 👩‍🚀 <PERSON>. She, <PERSON>, knows.';
    world.model.next(chatStream(Array.from(said)));
    const { text, complete } = await raw({ ...ask('Hi'), stream: true });
    expect([contentOf(text), complete]).toEqual([masked, true]);
    world.model.next(chat(said));
    const whole = await (await client()).chat.completions.create(ask('Hi'));
    expect(whole.choices[0]?.message.content).toBe(masked);
  });

  it('has a name masked whole that two windows cut, wherever they cut it', async () => {
    for (let before = 240; before <= 258; before++) {
      const said = `${'on and '.repeat(40).slice(0, before)} Anna Schmidt is here. And Anna Schmidt`;
      world.model.next(messageStream([said.slice(0, 7), said.slice(7, 250), said.slice(250)]));
      const body = { model: 'm', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'Hi' }] };
      const { text, complete } = await raw(body, '/claude/v1/messages');
      const heard = [...text.matchAll(/"text":("(?:[^"\\]|\\.)*")/g)].map(([, part]) =>
        String(JSON.parse(part ?? '""')),
      );
      expect([heard.join(''), complete]).toEqual([said.replaceAll('Anna Schmidt', '<PERSON>'), true]);
    }
  });

  it('has names masked in the arguments of a tool and where a protocol repeats its text', async () => {
    const pieces = ['{"to":"Anna', ' Schmidt","note":"', 'call \\u0041nna Schmidt"}'];
    world.model.next(chatToolStream('call', pieces));
    const { text } = await raw({ ...ask('Hi'), stream: true });
    expect(text).not.toContain('Schmidt');
    expect(text.match(/<PERSON>/g)?.length).toBe(2);
    world.model.next(responsesStream(['Ask Anna', ' Schmidt', '. Bye']));
    const repeated = await raw({ model: 'model-1', input: 'Hi', stream: true }, '/llm/v1/responses');
    expect(repeated.complete).toBe(true);
    expect(repeated.text).not.toContain('Schmidt');
    expect(repeated.text).toContain('Ask <PERSON>. Bye');
  });

  it('shows each sentence once, with what came before it as context, and what was asked', async () => {
    world.model.next(chatStream(['One is 1.5. T', 'wo? Three', '! 四。五。 ', 'And six']));
    await raw({ ...ask('Count, jo@example.com'), stream: true });
    const answers = questions().filter(({ phase }) => phase === 'answer');
    const fresh = answers.map(({ texts: [first] }) =>
      Array.from(first?.text ?? '')
        .slice(first?.from)
        .join(''),
    );
    expect(fresh.join('')).toBe('One is 1.5. Two? Three! 四。五。 And six');
    expect(fresh.length).toBeGreaterThan(1);
    expect(answers.at(-1)?.texts[0]?.text).toContain('Three! ');
    expect(answers[0]?.asked).toBe('Count, <EMAIL>');
  });
});

const bodyOf = ({ steps }: Answer): string => steps.map((step) => ('send' in step ? String(step.send) : '')).join('');

it('metrics say for each call which classifiers ran and what came of it', async () => {
  const metrics = await (await fetch(`${world.control}/metrics`)).text();
  for (const outcome of ['passed', 'flagged', 'skipped'])
    expect(metrics).toMatch(
      new RegExp(`sallyport_classified_total\\{.*direction="request",outcome="${outcome}".*\\} [1-9]`),
    );
  expect(metrics).toContain('sallyport_classifier_seconds_count{classifier="guard"');
});

it('promise 8: secrets stay on their side: the classifier gets its own credential and not the caller’s', () => {
  for (const each of guard.server.requests) {
    expect(each.header('authorization')).toBe('Bearer upstream-secret-6f1c');
    expect(each.target).toBe('/classify');
  }
  expect(world.log()).not.toContain('upstream-secret-6f1c');
});
