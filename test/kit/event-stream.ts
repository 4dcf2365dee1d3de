/** Event streams for tests: an obvious reader, cuts of bytes, and spellings of JSON. Shares no code with the product. */

import fc from 'fast-check';

/** One dispatched event. */
export interface SentEvent {
  readonly event: string;
  readonly data: string;
}

/** Returns what the specification's algorithm dispatches (WHATWG HTML §9.2.6), line by line. */
export const dispatched = (stream: string): SentEvent[] => {
  const events: SentEvent[] = [];
  let event = '';
  let data: string[] = [];
  const lines = stream.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  // What follows the last line ending is an unfinished line.
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      event = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return events;
};

/** Returns the pieces of the bytes between the places, taken modulo the length. */
export const cutAt = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
};

/** Returns every byte by itself. */
export const singleBytes = (bytes: Buffer): Buffer[] => [...bytes].map((_, i) => bytes.subarray(i, i + 1));

/** How a server spells JSON and frames. */
export interface Spelling {
  readonly json: 'compact' | 'spaced' | 'ascii';
  readonly ending: '\n' | '\r\n' | '\r';
  /** `data:` or `data: `. */
  readonly space: boolean;
}

const spaced = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}: ${spaced(inner)}`).join(', ')}}`;
};

/** Returns JSON as the spelling has it; `ascii` escapes everything else, and the `@` too. */
export const spell = (value: unknown, { json }: Pick<Spelling, 'json'>): string => {
  if (json === 'compact') return JSON.stringify(value);
  const text = spaced(value);
  if (json === 'spaced') return text;
  return text.replaceAll(/[@\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
};

/** Returns the frame of one event. */
export const frame = (event: string, data: string, { ending, space }: Spelling): string => {
  const gap = space ? ' ' : '';
  const name = event === '' ? '' : `event:${gap}${event}${ending}`;
  return `${name}data:${gap}${data}${ending}${ending}`;
};

export const spelling: fc.Arbitrary<Spelling> = fc.record({
  json: fc.constantFrom('compact', 'spaced', 'ascii'),
  ending: fc.constantFrom('\n', '\r\n', '\r'),
  space: fc.boolean(),
});

const words = fc.constantFrom(
  'hello',
  'alice@example.com',
  'bob@x.org,',
  '4111111111111111',
  '"quoted"',
  'line\nbreak',
  '🙂',
  'naïve',
  '\\',
  '{"a":1}',
  'data: x',
  '\u2028',
  '',
  '12',
);

/** A text with and without secrets, cut into fragments, also in the middle of a character. */
export const fragments: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.array(fc.tuple(words, fc.constantFrom(' ', '', ' ', '\n')), { maxLength: 8 }),
    fc.array(fc.nat(), { maxLength: 8 }),
  )
  .map(([parts, cuts]) => {
    const text = parts.map(([word, gap]) => word + gap).join('');
    const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
    return [0, ...places].map((from, i) => text.slice(from, places[i] ?? text.length));
  });

/** Returns one order of all items that keeps each list's own order. `picks` choose the list to take from. */
export const interleave = <T>(lists: readonly (readonly T[])[], picks: readonly number[]): T[] => {
  const rest = lists.map((list) => [...list]).filter((list) => list.length > 0);
  const out: T[] = [];
  for (let i = 0; rest.length > 0; i++) {
    const at = (picks[i % Math.max(1, picks.length)] ?? 0) % rest.length;
    const next = rest[at]?.shift();
    if (next !== undefined) out.push(next);
    if (rest[at]?.length === 0) rest.splice(at, 1);
  }
  return out;
};
