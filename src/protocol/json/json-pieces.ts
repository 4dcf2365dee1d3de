/**
 * JSON inside a string that grows, cut into its pieces as they come. A model wrote it, so it may be anything: from where
 * it is no JSON, it is prose. Nothing is lost.
 */

/** Receives the pieces in order. Joined, everything `raw` is the text, with a quote for each open and close. */
export interface JsonPieceSink {
  /** Brackets, commas, colons and white space. */
  gap(raw: string): void;
  /** A whole number, `true`, `false` or `null`. */
  run(raw: string): void;
  /** The next stretch of what is no JSON; from the first one on, nothing else comes. */
  prose(raw: string): void;
  open(): void;
  /** The next characters of the string that is open, decoded, and as they are spelled: alike, or one escape. */
  chars(text: string, raw: string): void;
  close(): void;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const HEX = /^[0-9a-fA-F]$/;
/** What a run may be, and what may become one. */
const RUN = /^(?:-?[0-9][0-9.eE+-]*|true|false|null)$/;
const BEGUN_RUN = /^(?:-|-?[0-9][0-9.eE+-]*|t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?)\s*$/;
/** Ends a run: whatever is in a run is not one of these. */
const STRUCTURE = /[{}[\]:,"]/g;
const GAP = /[{}[\]:,\s]*/y;
const SPECIAL = /["\\]/g;

const firstIndex = (pattern: RegExp, text: string, from: number): number => {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
};

/** Cuts one text that arrives in fragments. */
export class JsonPieces {
  private readonly sink: JsonPieceSink;
  private state: 'between' | 'run' | 'string' | 'escape' | 'prose' = 'between';
  /** What has come of a run or an escape. */
  private part = '';

  constructor(sink: JsonPieceSink) {
    this.sink = sink;
  }

  /** How many characters are kept back: those of an unfinished run or escape. */
  get held(): number {
    return this.part.length;
  }

  /** Hands out the pieces that the fragment completes. */
  push(fragment: string): void {
    let at = 0;
    while (at < fragment.length) {
      if (this.state === 'string') at = this.string(fragment, at);
      else if (this.state === 'escape') at = this.escape(fragment, at);
      else if (this.state === 'run') at = this.run(fragment, at);
      else if (this.state === 'prose') at = this.prose(fragment, at);
      else at = this.between(fragment, at);
    }
  }

  /** Hands out what is unfinished; an open string stays open. */
  end(): void {
    if (this.state === 'run') this.endRun();
    if (this.state === 'escape') this.endEscape(this.part.slice(1));
  }

  private between(text: string, from: number): number {
    GAP.lastIndex = from;
    const gap = GAP.exec(text)?.[0] ?? '';
    const end = from + gap.length;
    if (gap !== '') this.sink.gap(gap);
    if (end === text.length) return end;
    if (text[end] !== '"') {
      this.state = 'run';
      return end;
    }
    this.state = 'string';
    this.sink.open();
    return end + 1;
  }

  private run(text: string, from: number): number {
    const end = firstIndex(STRUCTURE, text, from);
    this.part += text.slice(from, end);
    if (end < text.length) this.endRun();
    else if (!BEGUN_RUN.test(this.part)) this.beginProse();
    return end;
  }

  private endRun(): void {
    const run = this.part.trimEnd();
    if (!RUN.test(run)) return this.beginProse();
    this.sink.run(run);
    if (run.length < this.part.length) this.sink.gap(this.part.slice(run.length));
    this.part = '';
    this.state = 'between';
  }

  private beginProse(): void {
    this.sink.prose(this.part);
    this.part = '';
    this.state = 'prose';
  }

  private prose(text: string, from: number): number {
    this.sink.prose(text.slice(from));
    return text.length;
  }

  private string(text: string, from: number): number {
    const end = firstIndex(SPECIAL, text, from);
    if (end > from) {
      const plain = text.slice(from, end);
      this.sink.chars(plain, plain);
    }
    if (end === text.length) return end;
    if (text[end] === '"') {
      this.state = 'between';
      this.sink.close();
    } else {
      this.state = 'escape';
      this.part = '\\';
    }
    return end + 1;
  }

  /** One character of an escape (RFC 8259 §7). */
  private escape(text: string, at: number): number {
    const char = text[at] ?? '';
    if (this.part === '\\') {
      this.part += char;
      if (char !== 'u') this.endEscape(ESCAPES[char] ?? char);
      return at + 1;
    }
    if (!HEX.test(char)) {
      // Not an escape after all: it stands for its own characters.
      this.endEscape(this.part.slice(1));
      return at;
    }
    this.part += char;
    if (this.part.length === 6) this.endEscape(String.fromCharCode(Number.parseInt(this.part.slice(2), 16)));
    return at + 1;
  }

  private endEscape(text: string): void {
    this.sink.chars(text, this.part);
    this.part = '';
    this.state = 'string';
  }
}

/** Returns whether a text begins as a JSON object, array or string; null while only white space has come. */
export const beginsAsJson = (text: string): boolean | null => {
  const first = /\S/.exec(text)?.[0];
  return first === undefined ? null : first === '{' || first === '[' || first === '"';
};

/** Returns the decoded strings and the runs of a whole text, and what of it is prose. */
export const jsonStrings = (text: string): readonly string[] => {
  if (beginsAsJson(text) !== true) return [text];
  const found: string[] = [];
  let string = '';
  let prose = '';
  const take = (): void => {
    if (string !== '') found.push(string);
    string = '';
  };
  const pieces = new JsonPieces({
    gap: () => {},
    run: (raw) => found.push(raw),
    prose: (raw) => {
      prose += raw;
    },
    open: () => {},
    chars: (inner) => {
      string += inner;
    },
    close: take,
  });
  pieces.push(text);
  pieces.end();
  take();
  if (prose !== '') found.push(prose);
  return found;
};
