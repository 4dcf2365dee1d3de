/** classify.answer: how the messages of a gRPC answer are read for the classifiers that they are held for. */

import type { AnswerMask } from '../../mask/answer-mask.ts';
import type { TextMasker } from '../../mask/text-masker.ts';
import type { Splitter } from '../../protocol/framing/framing.ts';
import type { MessageCodec } from '../../protocol/grpc/codec.ts';
import { frameOf, type FrameSplitter, type GrpcFrame } from '../../protocol/grpc/grpc.ts';
import { decodeMessage } from '../../protocol/grpc/status.ts';
import { Failure } from '../../reasons.ts';
import { classifiersOfAnswer } from '../answer-holds.ts';
import { fieldValue } from '../http/fields.ts';
import { type MessageHolds, messageHoldsOf } from '../message-holds.ts';
import type { GrpcCall } from './call.ts';
import { decompressAnswer, detailsText, MessageMasks, splitterOf } from './masks.ts';

/**
 * Returns what holds the answer of a call until classifiers have looked at it, null where none may have to. Throws Failure
 * `classifier-unavailable` where one must look and nobody can read the answer.
 */
export function holdGrpcAnswer(call: GrpcCall, rules: readonly string[]): MessageHolds | null {
  const { method } = call;
  const { longest } = call.accepted.grpc;
  if (method !== null)
    return messageHoldsOf(call, rules, method.streams.request, {
      reader: (masker) => readingMasks(method.answer, masker, longest),
      splitter: () => frameSplitter(longest),
    });
  const classifiers = classifiersOfAnswer(call, rules);
  if (classifiers.length > 0) call.classify().cannot('answer', classifiers, 'an answer of an unknown method');
  return null;
}

/** Reads messages as their mask does. They are not compressed any more. */
function readingMasks(codec: MessageCodec, masker: TextMasker, longest: number): AnswerMask {
  const masks = new MessageMasks(
    codec,
    ['reading'],
    () => masker,
    () => {},
    longest,
  );
  const push = (bytes: Buffer): readonly Buffer[] => {
    const read = masks.push(bytes);
    if (read instanceof Promise) throw new Failure('internal', 'expected messages that are not compressed');
    return read;
  };
  return { kind: 'stream', push, end: () => masks.end(), usage: null, events: 0 };
}

/** What is pushed is whole messages: there is no rest. */
function frameSplitter(longest: number): Splitter {
  const splitter = splitterOf(longest);
  return { push: (bytes) => splitter.push(bytes).map((frame) => frame.bytes), end: () => NOTHING };
}

const NOTHING = Buffer.alloc(0);

/** Cuts an answer into whole messages that are not compressed, so that everybody behind can read them. */
export class PlainMessages {
  readonly #longest: number;
  readonly #splitter: FrameSplitter;
  #coding = '';

  constructor(longest: number) {
    this.#longest = longest;
    this.#splitter = splitterOf(longest);
  }

  head(raw: readonly string[]): void {
    this.#coding = fieldValue(raw, 'grpc-encoding');
  }

  /** Returns the messages that this chunk completes, framed; a promise when some are compressed. Throws Failure `answer-unreadable`. */
  push(chunk: Buffer): readonly Buffer[] | Promise<readonly Buffer[]> {
    const frames = this.#splitter.push(chunk);
    if (!frames.some(({ compressed }) => compressed)) return frames.map(({ bytes }) => bytes);
    return this.#decompressed(frames);
  }

  /** Says that the answer ended well. Throws Failure `answer-unreadable` when it did not. */
  end(): void {
    this.#splitter.end();
  }

  async #decompressed(frames: readonly GrpcFrame[]): Promise<readonly Buffer[]> {
    const plain: Buffer[] = [];
    for (const frame of frames) {
      const { compressed, bytes } = frame;
      plain.push(compressed ? frameOf(await decompressAnswer(frame, this.#coding, this.#longest)) : bytes);
    }
    return plain;
  }
}

/** Returns the texts of trailers that their mask looks at. */
export function trailerTexts(raw: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    if (raw[at] === 'grpc-message') texts.push(decodeMessage(value));
    else if (raw[at] === 'grpc-status-details-bin') texts.push(detailsText(value));
  }
  return texts;
}
