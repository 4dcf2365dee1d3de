/**
 * Masks what outside classifiers found, ahead of what detectors find: what they said of a text is known before the text
 * comes here. What is replaced stands in the text that detectors then read.
 */

import type { Finding } from '../call.ts';
import type { Detector } from '../detect/detector.ts';
import { createMaskMaker, type Mask, type MaskMaker } from './operators.ts';
import type { MaskRule, SessionUse, TextMasker, TextStream } from './text-masker.ts';
import { Tokens } from './tokens.ts';
import type { Steps } from '../turns.ts';

/** What classifiers found in the texts of one call. Findings are in order and do not overlap. */
export interface OutsideFindings {
  /** In a text that comes whole. */
  whole(text: string): readonly Finding[];
  /**
   * The next growing text begins, in the order in which they begin in the answer. Returns what tells what was found in it, as
   * far as it is known; what was told before stays first.
   */
  begins(): () => readonly Finding[];
}

/** The form of what no pattern finds. */
const FOUND_OUTSIDE: Omit<Detector, 'kind'> = { pattern: /./, score: 1 };

/** Returns the classifier of a kind, `pii` of `pii.person`, and the rest. */
const split = (kind: string): readonly [string, string] => {
  const dot = kind.indexOf('.');
  return [kind.slice(0, dot), kind.slice(dot + 1)];
};

type Found = (finding: Finding) => void;

/** Makes the mask of a finding; null where no rule names it. */
type MaskOf = (kind: string) => Mask | null;

function maskMaker(
  rules: readonly MaskRule[],
  key: Uint8Array,
  { tokens = new Tokens(), keeps = false }: SessionUse,
): MaskOf {
  const makers = rules.map(
    ({ with: operator, encryption = null, restore = false }): MaskMaker =>
      createMaskMaker(operator, { digest: key, encryption, tokens, keeps: keeps && restore }),
  );
  return (kind) => {
    const [classifier, entity] = split(kind);
    const applies = ({ entities }: MaskRule): boolean => entities.includes(kind) || entities.includes(classifier);
    const blocking = rules.findIndex((rule) => rule.with === 'block' && applies(rule));
    const maker = makers[blocking >= 0 ? blocking : rules.findIndex(applies)];
    // masks write what it is, `<PERSON>`, not who found it; a dot would end the name
    return maker?.({ ...FOUND_OUTSIDE, kind: entity.replaceAll('.', '_') }) ?? null;
  };
}

class OutsideStream implements TextStream {
  readonly #inner: TextStream;
  readonly #findings: () => readonly Finding[];
  readonly #maskOf: MaskOf;
  readonly #found: Found;
  #at = 0;
  #held = 0;
  #next = 0;
  /** The finding that has begun; its mask is null where its text stays. */
  #open: { readonly mask: Mask | null; readonly finding: Finding } | null = null;

  constructor(inner: TextStream, findings: () => readonly Finding[], maskOf: MaskOf, found: Found) {
    this.#inner = inner;
    this.#findings = findings;
    this.#maskOf = maskOf;
    this.#found = found;
  }

  /** Never more than came in: what stands for a finding may be longer than it. */
  get held(): number {
    return this.#held;
  }

  get restored(): boolean {
    return this.#inner.restored === true;
  }

  push(text: string): string {
    const from = this.#at;
    const end = from + text.length;
    let out = '';
    while (this.#at < end) {
      const stop = this.#open === null ? (this.#upcoming()?.start ?? end) : this.#open.finding.end;
      const piece = text.slice(this.#at - from, Math.min(stop, end) - from);
      out += this.#piece(piece);
      this.#at += piece.length;
      if (this.#at === stop) out += this.#turn();
    }
    const left = this.#inner.push(out);
    this.#held = Math.min(this.#held + text.length, this.#inner.held);
    return left;
  }

  end(): string {
    const rest = this.#open === null ? '' : this.#close();
    return this.#inner.push(rest) + this.#inner.end();
  }

  #piece(text: string): string {
    if (this.#open === null || text === '') return text;
    return this.#open.mask === null ? text : this.#open.mask.add(text);
  }

  #upcoming(): Finding | undefined {
    return this.#findings()[this.#next];
  }

  /** Ends the finding that is open, or begins the one that is due. */
  #turn(): string {
    if (this.#open !== null) return this.#close();
    const finding = this.#upcoming();
    if (finding === undefined) return '';
    this.#next++;
    const mask = this.#maskOf(finding.kind);
    this.#open = { mask, finding };
    return mask?.opening ?? '';
  }

  #close(): string {
    const open = this.#open;
    this.#open = null;
    if (open === null) return '';
    this.#found(open.mask === null ? { ...open.finding, kept: true } : open.finding);
    return open.mask?.closing() ?? '';
  }
}

/**
 * Returns a masker that masks what classifiers found, and then as `inner` does. Rules name classifiers (`pii`) or kinds
 * of what they find (`pii.person`). `key` is what `hash` and `tokenize` digest
 * under. Throws Failure `mask-blocked` where a rule blocks a finding.
 */
export const outsideMasker = (
  inner: TextMasker,
  findings: OutsideFindings,
  rules: readonly MaskRule[],
  key: Uint8Array,
  use: SessionUse = {},
): TextMasker => {
  const maskerOf = (behind: TextMasker, some: readonly MaskRule[]): TextMasker => {
    const maskOf = maskMaker(some, key, use);
    const replaced = (text: string, found: Found): string => {
      const known = findings.whole(text);
      if (known.length === 0) return text;
      const pieces = new OutsideStream(PLAIN, () => known, maskOf, found);
      return pieces.push(text) + pieces.end();
    };
    return {
      whole: (text, found) => behind.whole(replaced(text, found), found),
      steps: (text, found) => behind.steps(replaced(text, found), found),
      stream(found) {
        return new OutsideStream(behind.stream(found), findings.begins(), maskOf, found);
      },
      session: (other = {}) => outsideMasker(inner.session(other), findings, rules, key, other),
    };
  };
  const masker = maskerOf(inner, rules);
  if (inner.at === undefined && rules.every(({ places }) => places === undefined)) return masker;
  return {
    ...masker,
    at: (place) =>
      maskerOf(
        inner.at?.(place) ?? inner,
        rules.filter(({ places }) => places?.(place) !== false),
      ),
  };
};

const PLAIN: TextStream = { push: (text) => text, end: () => '', held: 0 };

/** Returns the text. */
function* asItIs(text: string): Steps<string> {
  yield;
  return text;
}

/** A masker without rules. */
export const NO_MASKER: TextMasker = {
  whole: (text) => text,
  steps: asItIs,
  stream: () => PLAIN,
  session: () => NO_MASKER,
};
