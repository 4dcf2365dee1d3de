/** classify: outside classifiers that rules read are asked about a call before the rules are; what they did not answer is no pass. */

import type { Facts, Verdict } from '../call.ts';
import type { Classifier } from '../classify/classifier.ts';
import { decideEach } from '../decide/decide-each.ts';
import type { Inspected } from '../inspect/inspect.ts';
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
  const { epoch, accepted, caller, gate } = call;
  if (epoch.classifiers.length === 0 || !mayLook(call)) return inspected.each;
  if (accepted.socket !== null) {
    cannotClassify(call, 'messages of a WebSocket are not shown');
    return inspected.each.map((facts) => call.withClassified(facts));
  }
  const classifiers = classifiersFor(call, epoch.policy.classifiers.request);
  const classification = call.classify();
  if (classifiers.length === 0) return inspected.each;
  classification.expect('request', classifiers);
  const request = { ...accepted.request, protocol: accepted.served.config.protocol };
  const denied = decideEach(epoch.policy.beforeClassifying, caller, request, inspected.each, gate.clock.now());
  try {
    if (denied.effect !== 'deny') await look(call, classification, classifiers, inspected);
  } finally {
    learn(call);
  }
  return inspected.each.map((facts) => call.withClassified(facts));
}

/** Resolves when the classifiers whose findings a verdict masks in the request have been asked. Rejects as classifyRequest does. */
export async function findForMasks(call: Underway, verdict: Verdict, inspected: Inspected): Promise<void> {
  const classification = call.classification;
  if (classification === null || verdict.effect === 'deny') return;
  const { request } = classification;
  const masked = classifiersFor(call, call.epoch.outsideOf(verdict.mask.request).classifiers);
  const unasked = masked.filter(({ name }) => request?.[name] === undefined);
  if (unasked.length === 0) return;
  classification.expect('request', unasked);
  try {
    await look(call, classification, unasked, inspected);
  } finally {
    learn(call);
  }
}

/**
 * Says that the classifiers which rules or masks may need on a call that goes this way are not shown it. Throws Failure
 * `classifier-unavailable` where one of them must be.
 */
export function cannotClassify(call: CallState, why: string): void {
  const { epoch } = call;
  if (epoch.classifiers.length === 0 || !mayLook(call)) return;
  const { request, answer } = epoch.policy.classifiers;
  // a later message may bring any masking rule
  const masked = epoch.outsideOf(epoch.config.masking.map(({ name }) => name)).classifiers;
  try {
    for (const [phase, names] of [
      ['request', request],
      ['answer', new Set([...answer, ...masked])],
    ] as const) {
      const needed = classifiersFor(call, names);
      if (needed.length > 0) call.classify().cannot(phase, needed, why);
    }
  } finally {
    learn(call);
  }
}

const learn = (call: CallState): void => call.inspected(call.facts, call.replyTo);

async function look(
  call: Underway,
  classification: Classification,
  classifiers: readonly Classifier[],
  { facts, each, content, scanned }: Inspected,
): Promise<void> {
  // what inspection could not read, nobody can be shown
  if (each.some(({ opaque, tokenIds }) => opaque || tokenIds > 0))
    return classification.cannot('request', classifiers, 'a part of the request that is no text');
  if (content === null && facts.texts.length === 0) return;
  await classification.askRequest(classifiers, textsOf(call, content, scanned));
}

/** Returns the texts of a request, each once; of JSON in a string, its strings. */
function textsOf(
  { epoch, accepted }: Underway,
  content: Inspected['content'],
  scanned: Inspected['scanned'],
): readonly Shown[] {
  const { codec } = accepted.served;
  const texts = new Map<string, Shown>();
  const add = (role: string, text: string): void => {
    const key = `${role}\0${text}`;
    if (text === '' || texts.has(key)) return;
    texts.set(key, { role, text, findings: scanned.get(text) ?? epoch.scanner.scan(text), from: 0 });
  };
  for (const { operation, document, reading } of content?.asked ?? [])
    for (const { path, text, role } of reading.texts) {
      if (codec.kind(operation, path, text, document) === 'text') add(role, text);
      else for (const inner of jsonStrings(text)) add(role, inner);
    }
  return [...texts.values()];
}
