/** classify: outside classifiers that rules read are asked about a call before the rules are; what they did not answer is no pass. */

import type { Facts, Finding, Verdict } from '../call.ts';
import type { Classifier } from '../classify/classifier.ts';
import { decideEach } from '../decide/decide-each.ts';
import type { Inspected } from '../inspect/inspect.ts';
import type { Asked } from '../protocol/content.ts';
import { jsonStrings } from '../protocol/json/json-pieces.ts';
import type { Classification, Shown } from './classification.ts';
import type { CallState, Underway } from './underway.ts';

/** Returns those of these classifiers that look at calls of the call's service. */
export function classifiersFor({ epoch, accepted }: CallState, names: ReadonlySet<string>): readonly Classifier[] {
  if (names.size === 0) return NONE;
  const { service } = accepted.request;
  return epoch.classifiers.filter(
    ({ name, config }) => names.has(name) && (config.services.length === 0 || config.services.includes(service)),
  );
}

const NONE: readonly Classifier[] = [];

/** Whether a classifier could look at this call at all. */
const mayLook = ({ epoch, accepted }: CallState): boolean =>
  epoch.classifiers.some(
    ({ config }) => config.services.length === 0 || config.services.includes(accepted.request.service),
  );

/**
 * Resolves to the operations of a call with what classifiers say of it, for those that rules read; all operations of a batch
 * are shown at once. Who is denied without them is denied unseen. Rejects with Failure `classifier-unavailable`, and
 * `caller-left`.
 */
export async function classifyRequest(call: Underway, inspected: Inspected): Promise<readonly Facts[]> {
  if (call.epoch.classifiers.length === 0 || !mayLook(call)) return inspected.each;
  call.classify();
  await classify(call, 'request', shownOf(call, inspected));
  return inspected.each.map((facts) => call.withClassified(facts));
}

/** Resolves when the classifiers whose findings a verdict masks in the request have been asked. Rejects as classifyRequest does. */
export const findForMasks = (call: Underway, verdict: Verdict, inspected: Inspected): Promise<void> =>
  find(call, verdict, shownOf(call, inspected));

const shownOf = (call: Underway, { each, content, scanned }: Inspected): ToShow => ({
  each,
  texts: () => textsOf(call, content?.asked ?? [], scanned),
});

/** Returns true when a classifier may have to look at messages of this call: then they go the way of `classifyMessage`. */
export function classifiesMessages(call: CallState): boolean {
  const { epoch } = call;
  if (epoch.classifiers.length === 0) return false;
  // a later message may bring any masking rule
  const masked = epoch.outsideOf(epoch.config.masking.map(({ name }) => name)).classifiers;
  return classifiersFor(call, new Set([...epoch.policy.classifiers.request, ...masked])).length > 0;
}

/** One message of a stream, to be shown. */
export interface MessageToShow {
  readonly facts: Facts;
  /** Behind the first: the rules on messages are asked about it. */
  readonly isFurther: boolean;
  /** Its texts, each once. */
  readonly texts: () => readonly Shown[];
}

/** Resolves to the facts of one message with what classifiers say of it, for those that rules read. Rejects as classifyRequest does. */
export async function classifyMessage(call: CallState, message: MessageToShow): Promise<Facts> {
  if (!classifiesMessages(call)) return message.facts;
  call.classify().beginMessage(call.session !== null);
  await classify(call, message.isFurther ? 'message' : 'request', { each: [message.facts], texts: message.texts });
  return call.withClassified(message.facts);
}

/** Resolves when the classifiers whose findings a verdict masks in this message have been asked. Rejects as classifyRequest does. */
export const findInMessage = (call: CallState, verdict: Verdict, { facts, texts }: MessageToShow): Promise<void> =>
  find(call, verdict, { each: [facts], texts });

/** What is shown of a request, or of one message. */
interface ToShow {
  readonly each: readonly Facts[];
  readonly texts: () => readonly Shown[];
}

async function classify(call: CallState, on: 'request' | 'message', shown: ToShow): Promise<void> {
  const { epoch, accepted, caller, gate } = call;
  const classifiers = classifiersFor(call, epoch.policy.classifiers.request);
  if (classifiers.length === 0) return;
  call.classify().expect('request', classifiers);
  const request = { ...accepted.request, protocol: accepted.served.config.protocol };
  const denied = decideEach(epoch.policy.beforeClassifying[on], caller, request, shown.each, gate.clock.now());
  try {
    if (denied.effect !== 'deny') await look(call.classify(), classifiers, shown);
  } finally {
    learn(call);
  }
}

async function find(call: CallState, verdict: Verdict, shown: ToShow): Promise<void> {
  const { classification } = call;
  if (classification === null || verdict.effect === 'deny') return;
  const said = classification.decidedOn;
  const masked = classifiersFor(call, call.epoch.outsideOf(verdict.mask.request).classifiers);
  const unasked = masked.filter(({ name }) => said?.[name] === undefined);
  if (unasked.length === 0) return;
  classification.expect('request', unasked);
  try {
    await look(classification, unasked, shown);
  } finally {
    learn(call);
  }
}

const learn = (call: CallState): void => call.inspected(call.facts, call.replyTo);

async function look(
  classification: Classification,
  classifiers: readonly Classifier[],
  { each, texts }: ToShow,
): Promise<void> {
  // what inspection could not read, nobody can be shown
  if (each.some(({ opaque, tokenIds }) => opaque || tokenIds > 0))
    return classification.cannot('request', classifiers, 'a part of the request that is no text');
  const shown = texts();
  if (shown.length > 0) await classification.askRequest(classifiers, shown);
}

/** Returns the texts of what is asked, each once; of JSON in a string, its strings. */
export function textsOf(
  { epoch, accepted }: Underway,
  asked: readonly Asked[],
  scanned: ReadonlyMap<string, readonly Finding[]> = NOTHING_SCANNED,
): readonly Shown[] {
  const { codec } = accepted.served;
  const texts = new Texts((text) => scanned.get(text) ?? epoch.scanner.scan(text));
  for (const { operation, document, reading } of asked)
    for (const { path, text, role } of reading.texts) {
      if (codec.kind(operation, path, text, document) === 'text') texts.add(role, text);
      else for (const inner of jsonStrings(text)) texts.add(role, inner);
    }
  return texts.all;
}

/** Returns the texts of a message of gRPC, each once. */
export function messageTextsOf({ epoch }: CallState, { texts: all }: Facts): readonly Shown[] {
  const texts = new Texts((text) => epoch.scanner.scan(text));
  for (const { role, text } of all) texts.add(role, text);
  return texts.all;
}

const NOTHING_SCANNED: ReadonlyMap<string, readonly Finding[]> = new Map();

/** Texts, each once. */
class Texts {
  readonly #scan: (text: string) => readonly Finding[];
  readonly #texts = new Map<string, Shown>();

  constructor(scan: (text: string) => readonly Finding[]) {
    this.#scan = scan;
  }

  get all(): readonly Shown[] {
    return [...this.#texts.values()];
  }

  add(role: string, text: string): void {
    const key = `${role}\0${text}`;
    if (text === '' || this.#texts.has(key)) return;
    this.#texts.set(key, { role, text, findings: this.#scan(text), from: 0 });
  }
}
