/** classify.answer: how the messages of a model server are read for the classifiers that they are held for. */

import { createMessageMask } from '../../mask/answer.ts';
import { messages } from '../../protocol/framing/message-framing.ts';
import { Failure } from '../../reasons.ts';
import { LONGEST, withoutWords } from '../answer-holds.ts';
import { type MessageHolds, messageHoldsOf } from '../message-holds.ts';
import type { Underway } from '../underway.ts';

/** Returns what holds the messages of the model server, null where no classifier may have to look at them. */
export function holdSocket(call: Underway, rules: readonly string[]): MessageHolds | null {
  const { operation, served } = call.accepted;
  const codec = withoutWords(served.codec);
  return messageHoldsOf(call, rules, true, {
    reader(masker) {
      const events = operation === null ? null : codec.stream(operation);
      if (operation === null || events === null) throw new Failure('internal', 'expected an operation with messages');
      return createMessageMask({ codec, operation, masker, found: () => {}, limit: LONGEST }, events);
    },
    splitter: () => messages.splitter(LONGEST),
  });
}
