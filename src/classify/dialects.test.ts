import { describe, expect, it } from 'vitest';
import { Failure } from '../reasons.ts';
import { bedrock } from './bedrock.ts';
import { llamaGuard } from './llama-guard.ts';
import { presidio } from './presidio.ts';
import type { Dialect, Question } from './question.ts';
import { webhook } from './webhook.ts';

const question = (texts: readonly string[], phase: Question['phase'] = 'request'): Question => ({
  phase,
  service: 'llm',
  model: 'm',
  masked: true,
  parts: texts.map((text) => ({ role: 'user', text, from: 0 })),
  asked: phase === 'answer' ? 'What?' : '',
});

const posted = (dialect: Dialect, asked: Question) => {
  const { path, body } = dialect.post(asked);
  const sent: unknown = JSON.parse(body);
  return { path, sent };
};

const refuses = (dialect: Dialect, answer: unknown, asked = question(['Hi 👋 Jo'])): boolean => {
  try {
    dialect.read(answer, asked);
    return false;
  } catch (error) {
    return error instanceof Failure && error.reason === 'classifier-unavailable';
  }
};

const NOT_AN_ANSWER = [null, {}, [], 'safe', 1, { error: 'the model is not loaded' }, { detail: [] }];

describe('the webhook', () => {
  it('sends texts with what of them is context, counted in code points', () => {
    const asked = { ...question(['👋 a']), parts: [{ role: 'user', text: '👋 a', from: 3 }] };
    expect(posted(webhook, asked).sent).toMatchObject({ version: 1, texts: [{ text: '👋 a', from: 2 }] });
  });

  it('reads findings in code points, overlapping ones as one of the surer kind', () => {
    const findings = [
      { text: 0, start: 5, end: 7, kind: 'Person', score: 0.9 },
      { text: 0, start: 3, end: 6, kind: 'word', score: 0.2 },
    ];
    expect(webhook.read({ flagged: false, findings }, question(['Hi 👋 Jo'])).spans).toEqual([
      { part: 0, start: 3, end: 8, kind: 'person', score: 0.9 },
    ]);
  });

  it.each([
    ...NOT_AN_ANSWER,
    { flagged: 'no' },
    { flagged: false, error: 'overloaded' },
    { flagged: false, score: 2 },
    { flagged: false, labels: ['a text\nof the call'] },
    { flagged: false, labels: ['x'.repeat(65)] },
    { flagged: false, labels: Array.from({ length: 65 }, (_, n) => `l${n}`) },
    { flagged: false, findings: [{ text: 1, start: 0, end: 1, kind: 'a' }] },
    { flagged: false, findings: [{ text: 0, start: 0, end: 8, kind: 'a' }] },
    { flagged: false, findings: [{ text: 0, start: 2, end: 2, kind: 'a' }] },
    { flagged: false, findings: [{ text: 0, start: -1, end: 2, kind: 'a' }] },
    { flagged: false, findings: [{ text: 0, start: 0.5, end: 2, kind: 'a' }] },
    { flagged: false, findings: [{ text: 0, start: 0, end: 2, kind: 'Jo said' }] },
  ])('takes %j for no answer', (answer) => expect(refuses(webhook, answer)).toBe(true));
});

describe('Presidio', () => {
  const dialect = presidio({ language: 'en', entities: [], threshold: 0.5 });
  const found = (entity_type: string, start: number, end: number, score = 0.85) => ({
    entity_type,
    start,
    end,
    score,
    analysis_explanation: null,
    recognition_metadata: { recognizer_name: 'x' },
  });

  it('is sent all texts as one, and no more entities than asked for', () => {
    const some = presidio({ language: 'de', entities: ['PERSON'], threshold: 0.4 });
    expect(posted(some, question(['a', 'b']))).toEqual({
      path: '/analyze',
      sent: { text: 'a\n\nb', language: 'de', score_threshold: 0.4, entities: ['PERSON'] },
    });
  });

  it('counts as Python does, and a finding over two texts is one in each', () => {
    const asked = question(['👋👋 Jo', 'Doe 👋', 'x']);
    expect(dialect.read([found('PERSON', 3, 10), found('US_SSN', 0, 1, 0.3)], asked)).toEqual({
      flagged: true,
      labels: ['person'],
      score: 0.85,
      spans: [
        { part: 0, start: 5, end: 7, kind: 'person', score: 0.85 },
        { part: 1, start: 0, end: 3, kind: 'person', score: 0.85 },
      ],
    });
  });

  it('says that nothing was found by an empty list', () =>
    expect(dialect.read([], question(['a']))).toEqual({ flagged: false, labels: [], score: 0, spans: [] }));

  it.each([
    ...NOT_AN_ANSWER.filter((answer) => !Array.isArray(answer)),
    [found('PERSON', 0, 99)],
    [found('PERSON', 3, 3)],
    [found('PERSON', 5, 3)],
    [found('PERSON', 0, 1, 1.5)],
    [found('a name', 0, 1)],
    [{ entity_type: 'PERSON' }],
  ])('takes %j for no answer', (answer) => expect(refuses(dialect, answer)).toBe(true));
});

describe('Llama Guard', () => {
  const dialect = llamaGuard('llama-guard-3');
  const said = (content: string) => ({
    id: 'c',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  });

  it('judges the turn of the user, or that of the assistant behind it', () => {
    expect(posted(dialect, question(['a', 'b']))).toMatchObject({
      path: '/chat/completions',
      sent: { model: 'llama-guard-3', temperature: 0, messages: [{ role: 'user', content: 'a\n\nb' }] },
    });
    expect(posted(dialect, question(['c'], 'answer')).sent).toMatchObject({
      messages: [
        { role: 'user', content: 'What?' },
        { role: 'assistant', content: 'c' },
      ],
    });
  });

  it.each([
    ['\n\nsafe', false, []],
    ['unsafe\nS1', true, ['S1']],
    ['\n\nunsafe\nS2,S10', true, ['S2', 'S10']],
    ['unsafe', true, ['unsafe']],
  ])('reads %j', (content, flagged, labels) =>
    expect(dialect.read(said(content), question(['a']))).toEqual({
      flagged,
      labels,
      score: Number(flagged),
      spans: [],
    }),
  );

  it.each([
    ...NOT_AN_ANSWER,
    said(''),
    said('Safe'),
    said('safe\nunsafe'),
    said('I cannot help with that. safe'),
    said('unsafe\nviolence'),
    { choices: [] },
    { choices: [...said('safe').choices, ...said('unsafe').choices] },
    { choices: [{ message: { content: null } }] },
  ])('takes %j for no answer', (answer) => expect(refuses(dialect, answer)).toBe(true));
});

describe('a Bedrock guardrail', () => {
  const dialect = bedrock({ id: 'gr-1', version: 'DRAFT' });
  const answer = (rest: object, action = 'GUARDRAIL_INTERVENED') => ({
    usage: {},
    action,
    outputs: [],
    assessments: [rest],
  });

  it('tells requests from answers', () => {
    expect(posted(dialect, question(['a']))).toEqual({
      path: '/guardrail/gr-1/version/DRAFT/apply',
      sent: { source: 'INPUT', content: [{ text: { text: 'a' } }] },
    });
    expect(posted(dialect, question(['a'], 'answer')).sent).toMatchObject({ source: 'OUTPUT' });
  });

  it('finds what is told as often as it stands there, once each time', () => {
    const times = 2_000;
    const piiEntities = Array.from({ length: times }, () => ({ match: 'Jo', type: 'NAME', detected: true }));
    const said = dialect.read(
      answer({ sensitiveInformationPolicy: { piiEntities } }),
      question(['Jo, '.repeat(times)]),
    );
    expect(said.spans).toHaveLength(times);
    expect(
      refuses(
        dialect,
        answer({ sensitiveInformationPolicy: { piiEntities: [{ match: 'J', type: 'NAME' }] } }),
        question(['J'.repeat(100_000)]),
      ),
    ).toBe(true);
  });

  it('reads every policy, without what was matched, and finds that in the texts', () => {
    const said = dialect.read(
      answer({
        topicPolicy: { topics: [{ name: 'Légal', type: 'DENY', action: 'BLOCKED', detected: true }] },
        contentPolicy: {
          filters: [
            { type: 'VIOLENCE', confidence: 'HIGH', action: 'BLOCKED' },
            { type: 'HATE', confidence: 'NONE', action: 'NONE', detected: false },
          ],
        },
        wordPolicy: { customWords: [{ match: 'foo', action: 'BLOCKED' }], managedWordLists: [] },
        sensitiveInformationPolicy: {
          piiEntities: [{ match: 'Jo', type: 'NAME', action: 'ANONYMIZED' }],
          regexes: [],
        },
      }),
      question(['👋 Jo', 'Jo, Jo']),
    );
    expect(said.labels).toEqual(['topic:L_gal', 'content:VIOLENCE', 'word:CUSTOM', 'pii:NAME']);
    expect(said.flagged).toBe(true);
    expect(said.spans.map(({ part, start, end, kind }) => [part, start, end, kind])).toEqual([
      [0, 3, 5, 'name'],
      [1, 0, 2, 'name'],
      [1, 4, 6, 'name'],
    ]);
  });

  it.each([
    ...NOT_AN_ANSWER,
    answer({}, 'MAYBE'),
    { action: 'NONE' },
    { ...answer({}, 'NONE'), guardrailCoverage: { textCharacters: { guarded: 3, total: 9 } } },
    answer({ sensitiveInformationPolicy: { piiEntities: [{ match: 'Zoe', type: 'NAME', action: 'BLOCKED' }] } }),
  ])('takes %j for no answer', (said) => expect(refuses(dialect, said)).toBe(true));
});
