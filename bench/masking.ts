/**
 * `npm run bench -- masking`: how fast texts are scanned and masked with every detector on, whole and in tokens of four
 * characters, and how much of a stream is held back.
 */

import { ENTITIES } from '../src/detect/scanner.ts';
import { compileTextMasker, type TextMasker } from '../src/mask/text-masker.ts';
import { ADVERSARIAL } from '../test/masking/texts.ts';
import type { BenchOptions } from './bench.ts';

const WORDS =
  'the gateway keeps what it saw and says why while engineers review careful documentation about streams of tokens'.split(
    ' ',
  );
const SENTENCE_END = 14;

/** Every hundred words or so, one of these: two in three are what people mask, the others only look like it. */
const OCCASIONAL = [
  'bob.smith@example.com',
  '2024-01-15T10:30:00.000Z',
  '+1 (415) 555-2671',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  '4111 1111 1111 1111',
  'https://example.com/path?q=1&page=2',
  '10.1.2.3',
  'const id = lookUp(12345, "name");',
  'DE89 3704 0044 0532 0130 00',
  '123-45-6789',
  'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
  '127e6fbfe24a750e72930c220a8e13827e6fbfe2',
];

const EVENT =
  '{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"m","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n';
const CODE = `  const result = await fetchThing({ id: 123, name: "some-name", key: value[0] }); // see item 4.2\n`;

/** Repeatable words: a linear congruential generator chooses them. */
const prose = (length: number, every: (count: number) => string): string => {
  let state = 1;
  const parts: string[] = [];
  for (let size = 0, count = 1; size < length; count++) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    const word = WORDS[state % WORDS.length]!;
    const part = word + (count % SENTENCE_END === 0 ? '. ' : ' ') + every(count);
    parts.push(part);
    size += part.length;
  }
  return parts.join('').slice(0, length);
};

const textsOf = (length: number): Readonly<Record<string, string>> => ({
  clean: prose(length, () => ''),
  mixed: prose(length, (count) => (count % 40 === 0 ? `${OCCASIONAL[(count / 40) % OCCASIONAL.length]} ` : '')),
  dense: prose(length, (count) => (count % 6 === 0 ? `${OCCASIONAL[(count / 6) % OCCASIONAL.length]} ` : '')),
  code: CODE.repeat(Math.ceil(length / CODE.length)).slice(0, length),
  json: EVENT.repeat(Math.ceil(length / EVENT.length)).slice(0, length),
  'beyond ascii': prose(length, (count) => (count % 5 === 0 ? 'Größe 日本語 ' : '')),
});

/** Returns the best of `rounds` in milliseconds: the least disturbed one. */
const best = (rounds: number, work: () => void): number => {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
};

const rate = (units: number, milliseconds: number): number => Math.round(units / 1000 / milliseconds);

const wholeRate = (masker: TextMasker, text: string, rounds: number): number =>
  rate(
    text.length,
    best(rounds, () => void masker.whole(text, () => {})),
  );

/** Returns microseconds for a whole short text. */
const shortTime = (masker: TextMasker, text: string, rounds: number): number => {
  const times = 20;
  const milliseconds = best(rounds * 5, () => {
    for (let time = 0; time < times; time++) masker.whole(text, () => {});
  });
  return Number(((milliseconds * 1000) / times).toFixed(1));
};

const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** What rule sets take, in milliseconds of processor time: the first of a thread, others, and one that was asked for before. */
const compileTimes = (): { first: number; other: number; same: number } => {
  const names = ENTITIES.map(({ name }) => name);
  const compiling = (entities: readonly string[]): number => {
    const start = processorTime();
    compileTextMasker([{ entities, with: 'replace' }], new Uint8Array(32));
    return Number((processorTime() - start).toFixed(1));
  };
  const first = compiling(names);
  const others = names.slice(0, 5).map((left) => compiling(names.filter((name) => name !== left)));
  return { first, other: Math.min(...others), same: compiling(names) };
};

const TOKEN = 4;

/** Returns microseconds for each token of four characters. */
const eventTime = (masker: TextMasker, text: string, rounds: number): number => {
  const tokens = text.match(/.{1,4}/gsu) ?? [];
  const milliseconds = best(rounds, () => {
    const stream = masker.stream(() => {});
    for (const token of tokens) stream.push(token);
    stream.end();
  });
  return (milliseconds * 1000) / tokens.length;
};

/** What is held after each token, in characters. */
const holding = (masker: TextMasker, text: string) => {
  const held: number[] = [];
  const stream = masker.stream(() => {});
  for (let at = 0; at < text.length; at += TOKEN) {
    stream.push(text.slice(at, at + TOKEN));
    held.push(stream.held);
  }
  held.sort((a, b) => a - b);
  const at = (part: number): number => held[Math.floor((held.length - 1) * part)] ?? 0;
  const mean = held.reduce((sum, one) => sum + one, 0) / held.length;
  return { mean: Number(mean.toFixed(1)), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
};

/** What the copy of units out of the string, in src/detect/sweep.ts, is good for: MB/s of a loop that only reads. */
const reading = (text: string, rounds: number): Readonly<Record<string, number>> => {
  const chunk = Buffer.alloc(8192);
  const units = new Uint16Array(chunk.buffer, chunk.byteOffset, 4096);
  const sink = { sum: 0 };
  const fromString = best(rounds, () => {
    let sum = 0;
    for (let at = 0; at < text.length; at++) sum ^= text.charCodeAt(at);
    sink.sum += sum;
  });
  const copied = best(rounds, () => {
    let sum = 0;
    for (let from = 0; from < text.length; from += 4096) {
      const length = chunk.write(text.slice(from, from + 4096), 'utf16le') / 2;
      for (let at = 0; at < length; at++) sum ^= units[at] ?? 0;
    }
    sink.sum += sum;
  });
  return { charCodeAt: rate(text.length, fromString), copied: rate(text.length, copied) };
};

/** Runs the bench and returns its figures. Rates are MB/s, a character counted as one byte. */
export async function run({ quick, say }: BenchOptions): Promise<unknown> {
  const length = quick ? 1 << 18 : 1 << 20;
  const rounds = quick ? 4 : 10;
  const rules = [{ entities: ENTITIES.map(({ name }) => name), with: 'replace' as const }];
  const compile = compileTimes();
  const masker = compileTextMasker(rules, new Uint8Array(32));
  const texts = Object.entries(textsOf(length));

  const whole = Object.fromEntries(texts.map(([name, text]) => [name, wholeRate(masker, text, rounds)]));
  const small = Object.fromEntries(
    texts.map(([name, text]) => [name, [1024, 4096].map((size) => shortTime(masker, text.slice(0, size), rounds))]),
  );
  const events = Object.fromEntries(
    texts.map(([name, text]) => [name, Number(eventTime(masker, text.slice(0, length / 4), rounds).toFixed(2))]),
  );
  const held = Object.fromEntries(texts.map(([name, text]) => [name, holding(masker, text.slice(0, length / 4))]));
  const adversarial = ADVERSARIAL.map((unit) => {
    const text = unit.repeat(Math.ceil(length / 8 / unit.length));
    return {
      unit,
      rate: wholeRate(masker, text, rounds),
      event: Number(eventTime(masker, text.slice(0, 20_000), rounds).toFixed(1)),
    };
  });
  const slowest = adversarial.toSorted((a, b) => a.rate - b.rate).slice(0, 5);
  const slowestEvents = adversarial.toSorted((a, b) => b.event - a.event).slice(0, 5);

  say(
    `compile: ${compile.first} ms for all detectors, ${compile.other} ms for another set, ${compile.same} ms for the same`,
  );
  for (const [name, text] of texts) {
    const { mean, p50, p90, p99, max } = held[name]!;
    const rest = `${events[name]} µs/token, held mean ${mean} p50 ${p50} p90 ${p90} p99 ${p99} max ${max}`;
    const short = `${small[name]?.join(' and ')} µs for 1 and 4 KB`;
    say(`${name.padEnd(13)} ${String(whole[name]).padStart(5)} MB/s, ${short}, ${rest} (${text.length} characters)`);
  }
  for (const { unit, rate } of slowest)
    say(`adversarial   ${String(rate).padStart(5)} MB/s  ${JSON.stringify(unit).slice(0, 60)}`);
  for (const { unit, event } of slowestEvents)
    say(`adversarial   ${String(event).padStart(5)} µs/token  ${JSON.stringify(unit).slice(0, 60)}`);
  const read = reading(texts[0]![1], rounds);
  say(`reading units: charCodeAt ${read['charCodeAt']} MB/s, copied ${read['copied']} MB/s`);
  return { compile, whole, small, events, held, adversarial: { slowest, slowestEvents }, reading: read };
}
