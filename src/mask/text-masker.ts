/** Masks texts, whole or as they arrive (promise 4: the two agree for every text and every way to cut it). */

import type { Finding } from '../call.ts';
import { type Detector, entityOf } from '../detect/detector.ts';
import { BUILT_IN, type Catalog } from '../detect/entities.ts';
import { type Found as FoundBy, type Known, scanningWithin, scanWhole, SLICE } from '../detect/scanner.ts';
import { compileProgram, type Program } from '../detect/search.ts';
import { StreamScanner } from '../detect/stream-scanner.ts';
import type { EncryptionKeys } from './encrypt.ts';
import { createMaskMaker, type Mask, type MaskMaker, type Operator } from './operators.ts';
import { beginDigest, endDigest } from '../detect/digest.ts';
import { atOnce, type Steps } from '../turns.ts';
import type { IsMeant, Place } from './place.ts';
import { Tokens } from './tokens.ts';

/** Masks texts. Tokens of `tokenize` are the same for the same value within one masker. */
export interface TextMasker {
  /**
   * Returns the masked text: the very same string when nothing was masked. Calls `found` with every finding, in order.
   * Throws Failure `mask-blocked` when a rule blocks one.
   */
  whole(text: string, found: (finding: Finding) => void): string;
  /** Returns what `whole` does, in steps, for a text that is long. */
  steps(text: string, found: (finding: Finding) => void): Steps<string>;
  /** Returns a masker for one text that arrives in pieces. Positions of findings count from the start of that text. */
  stream(found: (finding: Finding) => void): TextStream;
  /** Returns the masker for texts at this place. Missing where no rule is about places: then it is this one. */
  at?(place: Place): TextMasker;
  /** Returns a masker for the same rules, for one call. Cheap: call it once for each call. */
  session(use?: SessionUse): TextMasker;
}

/** What a session works with. */
export interface SessionUse {
  /** The tokens of the call; none yet when missing. */
  readonly tokens?: Tokens;
  /** What it replaces is the caller's own, and may be put back into the answer (restore.ts). */
  readonly keeps?: boolean;
  /** Findings are told with a keyed digest of their value. */
  readonly digests?: boolean;
  /** What a scanner with at least these entities found in some texts, so that `whole` need not look at all of them again. */
  readonly scanned?: Scanned;
}

/** What was found in some texts already. */
export type Scanned = ReadonlyMap<string, Known>;

/** Masks one text that arrives in pieces. */
export interface TextStream {
  /** Takes the next piece; returns what may leave now. Throws Failure `mask-blocked` when a rule blocks a finding. */
  push(text: string): string;
  /** Says that the text is over; returns the rest. Not calling it drops what is held. Throws as `push`. */
  end(): string;
  /** How many UTF-16 units are held back, still undecided; at most 320. */
  readonly held: number;
  /** True when a value was put back for a token. Missing for never. */
  readonly restored?: boolean;
}

/** What to mask, and how. */
export interface MaskRule {
  readonly entities: readonly string[];
  readonly with: Operator;
  /** Which places it is about; missing for all. */
  readonly places?: IsMeant;
  /** Only with `encrypt`. */
  readonly encryption?: EncryptionKeys;
  /** Only with `tokenize`: what is replaced in a request is put back into its answer. */
  readonly restore?: boolean;
}

/** `block` beats every other operator; then the first rule that names the entity or the kind. */
const ruleFor = ({ kind }: Detector, rules: readonly MaskRule[]): number => {
  const applies = ({ entities }: MaskRule): boolean => entities.includes(kind) || entities.includes(entityOf(kind));
  const blocking = rules.findIndex((rule) => rule.with === 'block' && applies(rule));
  return blocking >= 0 ? blocking : rules.findIndex(applies);
};

/** What the sessions of one masker share. */
interface Plan {
  readonly program: Program;
  readonly rules: readonly MaskRule[];
  readonly ruleOf: ReadonlyMap<Detector, number>;
  /** Kinds that are only looked for. */
  readonly kept: ReadonlySet<string>;
  readonly key: Uint8Array;
  /** Null where no rule is about places. */
  readonly placed: PlacedPlans | null;
}

/** Plans for places: as many as there are sets of rules that are about one. */
class PlacedPlans {
  readonly #rules: readonly MaskRule[];
  readonly #make: (rules: readonly MaskRule[]) => Plan;
  readonly #made = new Map<string, Plan>();

  constructor(rules: readonly MaskRule[], make: (rules: readonly MaskRule[]) => Plan) {
    this.#rules = rules;
    this.#make = make;
  }

  /** Returns the plan of the rules that are about this place. */
  at(place: Place): Plan {
    const rules = this.#rules.filter(({ places }) => places?.(place) !== false);
    const id = rules.map((rule) => this.#rules.indexOf(rule)).join();
    const plan = this.#made.get(id) ?? this.#make(rules);
    this.#made.set(id, plan);
    return plan;
  }
}

/** `here`: the rules are those of one place already. */
const planFor = (rules: readonly MaskRule[], key: Uint8Array, catalog: Catalog, here = false): Plan => {
  const detectors = catalog.chosen(rules.flatMap(({ entities }) => entities));
  const ruleOf = new Map(detectors.map((detector) => [detector, ruleFor(detector, rules)]));
  const isPlaced = !here && rules.some(({ places }) => places !== undefined);
  const placed = isPlaced ? new PlacedPlans(rules, (some) => planFor(some, key, catalog, true)) : null;
  const kept = new Set(
    detectors.filter((detector) => rules[ruleOf.get(detector) ?? -1]?.with === 'keep').map(({ kind }) => kind),
  );
  return { program: compileProgram(detectors), rules, ruleOf, kept, key, placed };
};

/** Returns what finds the session of a place; one for each plan, all with the tokens of the call. */
const sessionsAt = (placed: PlacedPlans, use: SessionUse): ((place: Place) => TextMasker) => {
  const sessions = new Map<Plan, TextMasker>();
  return (place) => {
    const plan = placed.at(place);
    const session = sessions.get(plan) ?? createSession(plan, use);
    sessions.set(plan, session);
    return session;
  };
};

/** A mask that digests what it hides. */
interface DigestingMask extends Mask {
  readonly digest?: () => string;
}

const digesting =
  (makeMask: MaskMaker, key: Uint8Array): MaskMaker =>
  (detector): DigestingMask => {
    const mask = makeMask(detector);
    const value = beginDigest(key, detector.kind);
    return {
      ...mask,
      add(piece) {
        value.update(piece, 'utf16le');
        return mask.add(piece);
      },
      digest: () => endDigest(value),
    };
  };

const told = (finding: Finding, mask: DigestingMask | null): Finding =>
  mask?.digest === undefined ? finding : { ...finding, digest: mask.digest() };

/** So many findings are masked in some milliseconds. */
const MANY = 512;

function* maskingFound(
  all: readonly FoundBy[],
  text: string,
  makeMask: MaskMaker,
  found: (finding: Finding) => void,
): Steps<string> {
  let out = '';
  let at = 0;
  let done = 0;
  for (const { detector, finding } of all) {
    if (++done % MANY === 0) yield;
    const mask = makeMask(detector);
    const kept = mask.add(text.slice(finding.start, finding.end));
    out += text.slice(at, finding.start) + mask.opening + kept + mask.closing();
    at = finding.end;
    found(told(finding, mask));
  }
  return at === 0 ? text : out + text.slice(at);
}

/** Returns, in steps, the text that a stream makes of this one: the same as of the whole, whatever its pieces (promise 4). */
export function* maskingSlices(text: string, stream: TextStream): Steps<string> {
  let out = '';
  for (let at = 0; at < text.length; at += SLICE) {
    out += stream.push(text.slice(at, at + SLICE));
    yield;
  }
  out += stream.end();
  return out === text ? text : out;
}

const createStream = (program: Program, makeMask: MaskMaker, found: (finding: Finding) => void): TextStream => {
  let out = '';
  let mask: Mask | null = null;
  const scanner = new StreamScanner(program, {
    plain: (text) => void (out += text),
    begin(detector) {
      mask = makeMask(detector);
      out += mask.opening;
    },
    piece: (text) => void (out += mask?.add(text) ?? ''),
    end(finding) {
      out += mask?.closing() ?? '';
      found(told(finding, mask));
      mask = null;
    },
  });
  const take = (): string => {
    const taken = out;
    out = '';
    return taken;
  };
  return {
    push(text) {
      scanner.push(text);
      return take();
    },
    end() {
      scanner.end();
      return take();
    },
    get held() {
      return scanner.held;
    },
  };
};

const NOTHING_KNOWN: Scanned = new Map();

const createSession = (plan: Plan, use: SessionUse = {}): TextMasker => {
  const { tokens = new Tokens(), keeps = false, scanned = NOTHING_KNOWN, digests = false } = use;
  const makers = plan.rules.map(({ with: operator, encryption = null, restore = false }) =>
    createMaskMaker(operator, { digest: plan.key, encryption, tokens, keeps: keeps && restore }),
  );
  const makeMask: MaskMaker = (detector) => {
    const maker = makers[plan.ruleOf.get(detector) ?? -1];
    if (maker === undefined) throw new Error(`no rule masks ${detector.kind}`);
    return maker(detector);
  };
  const maskMaker = (): MaskMaker => (digests ? digesting(makeMask, plan.key) : makeMask);
  const stream = (found: Found): TextStream => createStream(plan.program, maskMaker(), tellsKept(plan, found));
  /** What was found already is looked at again, and nothing else. */
  function* withKnown(text: string, known: Known, found: Found): Steps<string> {
    return yield* maskingFound(
      yield* scanningWithin(plan.program, text, known),
      text,
      maskMaker(),
      tellsKept(plan, found),
    );
  }
  return {
    ...(plan.placed === null ? {} : { at: sessionsAt(plan.placed, { tokens, keeps, scanned, digests }) }),
    whole(text, found) {
      const known = scanned.get(text);
      if (known !== undefined) return known.length === 0 ? text : atOnce(withKnown(text, known, found));
      const all = scanWhole(plan.program, text);
      return all.length === 0 ? text : atOnce(maskingFound(all, text, maskMaker(), tellsKept(plan, found)));
    },
    steps(text, found) {
      const known = scanned.get(text);
      return known === undefined ? maskingSlices(text, stream(found)) : withKnown(text, known, found);
    },
    stream,
    session: (use) => createSession(plan, use),
  };
};

type Found = (finding: Finding) => void;

/** Returns what marks the findings that were only looked for, before they are told. */
const tellsKept = ({ kept }: Plan, found: Found): Found =>
  kept.size === 0 ? found : (finding) => found(kept.has(finding.kind) ? { ...finding, kept: true } : finding);

/**
 * Returns a masker for these rules; it is a session of its own. `key` is what `hash` and `tokenize` digest values under.
 * Throws an Error that names an unknown entity. Compiling costs milliseconds, `session()` next to nothing.
 */
export const compileTextMasker = (
  rules: readonly MaskRule[],
  key: Uint8Array,
  catalog: Catalog = BUILT_IN,
): TextMasker => createSession(planFor(rules, key, catalog));
