import { expect, it } from 'vitest';
import { opening as given } from '../../test/record/house.ts';
import { FEATURES, featuresOf } from './features.ts';
import { type OpeningSummary, readSummary, summaryText } from './opening.ts';

const ending = {
  v: 1,
  reason: 'completed',
  status: 200,
  ended: 'ok',
  findings: { phone: 1, email: 2 },
  usage: { input: 9, output: 3 },
  events: 4,
  bytes: 600,
  dropped: 5,
  first: 1_000,
  last: 4_000,
  chunks: 4,
  maxGap: 2_500,
} as const;

const summary = (change: (text: string) => string = (text) => text): OpeningSummary =>
  readSummary(change(summaryText(given())));

const named = (opening: OpeningSummary, end: Parameters<typeof featuresOf>[0]['ending'] = ending) =>
  Object.fromEntries(
    featuresOf({ opening, ending: end, duration: 5_000 }).map((value, at) => [FEATURES[at]?.name, value]),
  );

it('gives each position its meaning', () => {
  expect(named(summary())).toEqual({
    request_bytes: 20,
    answer_bytes: 605,
    input_estimate: 7,
    input_tokens: 9,
    output_tokens: 3,
    max_tokens: 100,
    answers: 1,
    texts: 2,
    tools: 1,
    images: 0,
    audios: 0,
    files: 0,
    token_ids: 0,
    streamed: 1,
    opaque: 0,
    shape: expect.any(Number),
    findings_in: 2,
    findings_out: 3,
    status: 200,
    events: 4,
    chunks: 4,
    duration: 5_000,
    first_byte: 1_000,
    max_gap: 2_500,
    mean_gap: 1_000,
    tensors: 0,
  });
});

it('never changes the position of a feature: leaves of old sessions are read with this list', () => {
  expect(FEATURES.map(({ name }) => name).join(' ')).toBe(
    'request_bytes answer_bytes input_estimate input_tokens output_tokens max_tokens answers texts tools images audios ' +
      'files token_ids streamed opaque shape findings_in findings_out status events chunks duration first_byte max_gap mean_gap tensors',
  );
});

it('has one shape for conversations of any length, another for other tools or roles', () => {
  const { shape } = named(summary());
  expect(named(summary((text) => text.replace('"roles":"su"', '"roles":"suuu"')))['shape']).toBe(shape);
  expect(named(summary((text) => text.replace('"roles":"su"', '"roles":"sua"')))['shape']).not.toBe(shape);
  expect(named(summary((text) => text.replace('"tools":["search"]', '"tools":["shell"]')))['shape']).not.toBe(shape);
});

it('keeps names, types and sizes of tensors, and where their data is, but not their data', () => {
  const image = { name: 'image', datatype: 'FP32', shape: [1, 3], bytes: 12, region: '' };
  const tensors = [image, { ...image, name: 'text', datatype: 'BYTES', shape: [2], region: 'shm0' }];
  const { facts } = readSummary(summaryText(given({ facts: { ...given().facts, tensors } })));
  expect(facts).toMatchObject({ tensorCount: 2, tensors: ['image FP32 [1,3] 12', 'text BYTES [2] 12 @shm0'] });
  const many = Array.from({ length: 100 }, () => ({ ...image, name: 'n'.repeat(1_000) }));
  const kept = readSummary(summaryText(given({ facts: { ...given().facts, tensors: many } }))).facts;
  expect(kept.tensorCount).toBe(100);
  expect(kept.tensors).toHaveLength(64);
  expect(kept.tensors[0]).toHaveLength(512);
});

it('writes 0 for what a call did not have, and for what is no whole number', () => {
  const none = { ...ending, usage: null, first: -1, last: -1, chunks: 0, maxGap: 0, bytes: 0, dropped: 0 };
  expect(named(summary(), none)).toMatchObject({ input_tokens: 0, first_byte: 0, mean_gap: 0, answer_bytes: 0 });
  expect(named(summary((text) => text.replace('"maxTokens":100', '"maxTokens":1e300')))['max_tokens']).toBe(0);
});
