/**
 * The frames of one text differ in little more than the text. Once one of them was read and masked in full, the next is
 * recognised by comparing everything around its text, and needs neither parsing nor rendering.
 *
 * This is exact: a frame that differs from a masked one in nothing but the characters between the quotes of one string,
 * where they are neither quote, backslash nor control character, is the same document with another string at the same
 * place, and every other string of it is masked already, to no effect. Numbers that count events, and OpenAI's padding,
 * may differ as well: they are no text.
 *
 * Without it an event costs two to three times as much (bench/wire.ts).
 */

/** A part of a template: what comes before a hole, and what the hole holds. */
interface Part {
  readonly before: string;
  readonly hole: 'text' | 'digits' | 'padding';
}

/** What OpenAI changes from event to event beside the text: a count, and padding against guessing by length. */
const COUNTERS = /("sequence_number": ?)(?:0|[1-9]\d*)(?=[,}])|("obfuscation": ?")[A-Za-z0-9]*(?=")/g;
const NOT_PLAIN = /["\\\p{Cc}]/u;
const NOT_PADDING = /[^A-Za-z0-9]/;
/** RFC 8259 §6: no leading zero. */
const NUMBER = /(?:0|[1-9]\d*)/y;

/** Returns the parts of a stretch of a frame, and what is left behind the last one. */
const partsOf = (stretch: string, padded: boolean): { parts: Part[]; rest: string } => {
  const parts: Part[] = [];
  let from = 0;
  for (const match of stretch.matchAll(COUNTERS)) {
    const [whole, counter, padding] = match;
    if (padding !== undefined && !padded) continue;
    const lead = counter ?? padding ?? '';
    parts.push({
      before: stretch.slice(from, match.index + lead.length),
      hole: counter === undefined ? 'padding' : 'digits',
    });
    from = match.index + whole.length;
  }
  return { parts, rest: stretch.slice(from) };
};

/** Where the text of a frame stands. */
export interface TextSpan {
  /** Index of its first character, behind the opening quote. */
  readonly start: number;
  /** Index of its closing quote. */
  readonly end: number;
}

/** Recognises frames that are like one that was masked. */
export class EventTemplate {
  readonly channel: string;
  private readonly parts: readonly Part[];
  private readonly last: string;

  /**
   * `frame` is the text of a frame as it came, with its growing text at `span`. `padded`: the one member that it calls
   * `obfuscation` is data.
   */
  constructor(channel: string, frame: string, { start, end }: TextSpan, padded: boolean) {
    const head = partsOf(frame.slice(0, start), padded);
    const tail = partsOf(frame.slice(end), padded);
    this.channel = channel;
    this.parts = [...head.parts, { before: head.rest, hole: 'text' }, ...tail.parts];
    this.last = tail.rest;
  }

  /** Returns where the text of a frame stands, null for a frame of another form. */
  match(frame: string): TextSpan | null {
    let at = 0;
    let span: TextSpan | null = null;
    for (const { before, hole } of this.parts) {
      if (!frame.startsWith(before, at)) return null;
      const start = at + before.length;
      at = hole === 'digits' ? endOfNumber(frame, start) : frame.indexOf('"', start);
      if (at === -1) return null;
      if (hole === 'digits') continue;
      if ((hole === 'text' ? NOT_PLAIN : NOT_PADDING).test(frame.slice(start, at))) return null;
      if (hole === 'text') span = { start, end: at };
    }
    return frame.length === at + this.last.length && frame.endsWith(this.last) ? span : null;
  }
}

const endOfNumber = (frame: string, start: number): number => {
  NUMBER.lastIndex = start;
  return NUMBER.test(frame) ? NUMBER.lastIndex : -1;
};
