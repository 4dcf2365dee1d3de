import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, chatStream, json } from '../support/model-answers.ts';
import type { Answer, Script } from '../support/model-server.ts';
import { classified, questionOf, type ScriptedClassifier, startClassifier } from '../support/scripted-classifier.ts';
import { startWorld, usualConfig, type World } from '../support/world.ts';

let guard: ScriptedClassifier;
let world: World;
beforeAll(async () => {
  guard = await startClassifier();
  const services = ['strict', 'hasty', 'lax'];
  world = await startWorld((places) =>
    usualConfig(places)
      .replace(
        'policies:',
        `${services.map((name) => `  - { name: ${name}, protocol: openai, opaque: allow, upstream: { url: ${places.model} } }`).join('\n')}
policies:`,
      )
      .replace(
        'masking:',
        `${services
          .map(
            (name) => `  - { name: no-${name}-in, when: 'call.classified.${name}.flagged', then: deny }
  - { name: no-${name}-out, on: answer, when: 'answer.classified.${name}.flagged', then: deny }`,
          )
          .join('\n')}
classifiers:
${services
  .map(
    (name) => `  - name: ${name}
    kind: webhook
    services: [${name}]
    url: ${guard.url}/${name}
    on_error: ${name === 'lax' ? 'allow' : 'deny'}
    timeout: ${name === 'hasty' ? '300ms' : '40s'}
    circuit: { failures: 1000 }
    window: { characters: 256, time: ${name === 'lax' ? '50ms' : '60s'}, context: 64, overlap: 0 }`,
  )
  .join('\n')}
masking:`,
      ),
  );
});
afterAll(async () => {
  await world.close();
  await guard.close();
});

const ask = (content: string) => ({ model: 'model-1', messages: [{ role: 'user', content }] });

interface Got {
  readonly status: number;
  readonly text: string;
  readonly complete: boolean;
  readonly session: string;
}

const call = async (service: string, body: object | Buffer, more: Record<string, string> = {}): Promise<Got> => {
  const token = await world.idp.token('carol');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more };
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const sent = request(`${world.url}/${service}/v1/chat/completions`, { method: 'POST', headers }).end(bytes);
  const [answer]: IncomingMessage[] = await once(sent, 'response');
  if (answer === undefined) throw new Error('expected an answer');
  let text = '';
  answer.on('error', () => {}).on('data', (chunk: Buffer) => void (text += chunk.toString()));
  await new Promise((resolve) => answer.on('close', resolve));
  const session = String(answer.headers['sallyport-session']);
  return { status: answer.statusCode ?? 0, text, complete: answer.complete, session };
};

const outcomes = async (session: string, name: string): Promise<readonly unknown[]> => {
  const { stdout } = await world.cli(['sessions', 'show', session, '--json']);
  const { opening, ending } = JSON.parse(stdout);
  return [opening.facts.classified?.[name]?.outcome, ending.classified?.[name]?.outcome];
};

const raw = (headers: readonly string[], ...steps: Answer['steps']): Answer => ({ status: 200, headers, steps });
const JSON_TYPE = ['content-type', 'application/json'];
const PASSED = JSON.stringify({ flagged: false });

/** Ways to say nothing usable. The first question after one is answered so; what comes after it, as usual. */
const FAULTS: readonly { readonly name: string; readonly fault: Answer | Script }[] = [
  { name: 'status 500 with a pass in it', fault: json({ flagged: false }, 500) },
  { name: 'a 200 that is an error', fault: json({ error: 'the model is not loaded', flagged: false }) },
  { name: 'no JSON', fault: raw(JSON_TYPE, { send: '<html>flagged: false</html>' }) },
  { name: 'half of its JSON, and closes', fault: raw(JSON_TYPE, { send: PASSED.slice(0, 8) }, { cut: true }) },
  { name: 'a close before its head', fault: { ...raw([], { cut: true }), framing: 'raw' } },
  {
    name: 'an answer without an end to its size',
    fault: raw(JSON_TYPE, { send: `${' '.repeat(5_000_000)}${PASSED}` }),
  },
  {
    name: 'a redirect to where it would pass',
    fault: { status: 307, headers: ['location', '/elsewhere'], steps: [{ send: PASSED }] },
  },
  {
    name: 'findings outside of the text',
    fault: json({ flagged: false, findings: [{ text: 0, start: 0, end: 9e9, kind: 'a' }] }),
  },
];

describe('a classifier that did not run', () => {
  it.each(FAULTS)('never passed a request: on $name it is refused, and the model sees nothing', async ({ fault }) => {
    const before = world.model.requests.length;
    guard.server.next(fault);
    const { status, text, session } = await call('strict', ask('Hello.'));
    expect([status, text.includes('"reason":"classifier-unavailable"')]).toEqual([503, true]);
    expect(text).not.toContain('not loaded');
    expect(world.model.requests.length).toBe(before);
    expect(await outcomes(session, 'strict')).toEqual(['failed', undefined]);
  });

  it.each(FAULTS)('has failed in the record when $name may pass: nothing says passed', async ({ fault }) => {
    guard.server.next(fault);
    world.model.next(chat('Hello.'));
    const { status, session } = await call('lax', ask('Hello.'));
    expect(status).toBe(200);
    expect(await outcomes(session, 'lax')).toEqual(['failed', 'passed']);
  });

  it.each(FAULTS)('never passed an answer: on $name nothing of it leaves, whole or streamed', async ({ fault }) => {
    for (const answer of [chat('Rosebud. '), chatStream(['Rose', 'bud. '])]) {
      guard.server.next((asked) => classified(questionOf(asked), /never/, /never/g), fault);
      world.model.next(answer);
      const { text, session } = await call('strict', { ...ask('Hello.'), stream: answer.steps.length > 1 });
      expect(text).toContain('classifier-unavailable');
      expect(text).not.toMatch(/Rose|bud/);
      expect(await outcomes(session, 'strict')).toEqual(['passed', 'failed']);
    }
  });

  it('is no pass in the metrics either', async () => {
    const text = await (await fetch(`${world.control}/metrics`)).text();
    const count = (outcome: string): number =>
      Number(
        new RegExp(
          `sallyport_classified_total\\{[^}]*classifier="lax",direction="request",outcome="${outcome}"[^}]*\\} (\\d+)`,
        ).exec(text)?.[1] ?? 0,
      );
    expect([count('failed'), count('passed')]).toEqual([FAULTS.length, 0]);
    expect(text).not.toMatch(/classifier="strict",direction="answer",outcome="passed"/);
  });

  it('was late when it hangs behind its head, and the call does not wait for it', async () => {
    const { promise: never, resolve } = Promise.withResolvers<void>();
    guard.server.next(raw(JSON_TYPE, { send: PASSED.slice(0, 4) }, { until: never }, { send: PASSED.slice(4) }));
    const { status, text, session } = await call('hasty', ask('Hello.'));
    resolve();
    expect([status, text.includes('classifier-unavailable')]).toEqual([503, true]);
    expect(await outcomes(session, 'hasty')).toEqual(['failed', undefined]);
  });

  it('has failed on what nobody can read, although the service lets it pass', async () => {
    const body = gzipSync(JSON.stringify(ask('attack')));
    const { status } = await call('strict', body, { 'content-encoding': 'gzip' });
    expect(status).toBe(503);
    world.model.next(chat('Hello.'));
    const passed = await call('lax', body, { 'content-encoding': 'gzip' });
    expect(passed.status).toBe(200);
    expect((await outcomes(passed.session, 'lax'))[0]).toBe('failed');
  });
});

describe('a stream that is held', () => {
  it('is asked about no more when its caller leaves', async () => {
    const { promise: never, resolve } = Promise.withResolvers<void>();
    const asked = guard.server.requests.length;
    guard.server.next(raw(JSON_TYPE, { until: never }, { send: PASSED }));
    const token = await world.idp.token('carol');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = request(`${world.url}/strict/v1/chat/completions`, { method: 'POST', headers });
    sent.on('error', () => {});
    sent.end(JSON.stringify(ask('Hello.')));
    const question = await guard.server.seen(asked);
    sent.destroy();
    await guard.server.ended(question);
    resolve();
    expect(question.state).toBe('aborted');
  });

  it('drops what nobody has looked at when the model server breaks off', async () => {
    const whole = chatStream(['Rosebud and', ' so on']);
    const at = whole.steps.findIndex((step) => 'send' in step && String(step.send).includes('so on'));
    world.model.next({ ...whole, steps: [...whole.steps.slice(0, at), { cut: true }] });
    const { text, complete } = await call('strict', { ...ask('Hello.'), stream: true });
    expect([text.includes('Rosebud'), complete && text.includes('[DONE]')]).toEqual([false, false]);
  });

  it('goes on in bounded windows when a sentence has no end, byte for byte, in its order', async () => {
    const words = Array.from({ length: 3_000 }, (_, at) => `wörd${at} `);
    const whole = chatStream(words);
    world.model.next(whole);
    const from = guard.questions.length;
    const { text, complete } = await call('strict', { ...ask('Hello.'), stream: true });
    expect(complete).toBe(true);
    expect(text).toBe(whole.steps.map((step) => ('send' in step ? String(step.send) : '')).join(''));
    const asked = guard.questions.slice(from).filter(({ phase }) => phase === 'answer');
    expect(asked.length).toBeGreaterThan(words.join('').length / 256 - 1);
    for (const { texts } of asked) expect(texts[0]?.text.length).toBeLessThanOrEqual(256 + 64);
    const shown = new Set(asked.flatMap(({ texts }) => texts[0]?.text.match(/wörd\d+(?= )/g) ?? []));
    expect(shown.size).toBe(words.length);
  });

  it('is sent after a while when a sentence does not go on, and leaves before the model says more', async () => {
    const { promise: came, resolve } = Promise.withResolvers<void>();
    const whole = chatStream(['Rosebud ', 'and the rest']);
    const at = whole.steps.findIndex((step) => 'send' in step && String(step.send).includes('and the rest'));
    world.model.next({ ...whole, steps: whole.steps.toSpliced(at, 0, { until: came }) });
    const token = await world.idp.token('carol');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const sent = request(`${world.url}/lax/v1/chat/completions`, { method: 'POST', headers });
    sent.end(JSON.stringify({ ...ask('Hello.'), stream: true }));
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    let text = '';
    answer?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('Rosebud')) resolve();
    });
    await came;
    await once(answer!, 'end');
    expect(text).toContain('[DONE]');
  });
});
