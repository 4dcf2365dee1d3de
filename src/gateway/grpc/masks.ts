/** mask: the messages of a gRPC call, on their way to the model and back. */

import type { Finding, Verdict } from '../../call.ts';
import { maskLines } from '../../mask/answer-lines.ts';
import { maskMessage, OF_ANSWER, OF_REQUEST } from '../../mask/message.ts';
import { ContinuedTexts } from '../../mask/message-stream.ts';
import type { OutsideFindings } from '../../mask/outside.ts';
import type { TextMasker } from '../../mask/text-masker.ts';
import { frameOf, FrameSplitter, type GrpcFrame, messageOf } from '../../protocol/grpc/grpc.ts';
import type { MessageCodec } from '../../protocol/grpc/codec.ts';
import { decompress } from '../../protocol/grpc/coding.ts';
import { decodeMessage, encodeMessage } from '../../protocol/grpc/status.ts';
import { Failure } from '../../reasons.ts';
import { fieldValue } from '../http/fields.ts';
import { answerMasker, requestMasker } from '../masks.ts';
import type { GrpcCall } from './call.ts';

/** Masks the answer of one call. Throws Failure, and then nothing that was held ever leaves. */
export interface GrpcAnswerMask {
  /** Adds the rules that a further message of the caller brings. */
  also(rules: readonly string[]): void;
  /** Takes note of the head and returns what the caller may see of it. */
  head(raw: readonly string[]): readonly string[];
  /** Returns the bytes that may leave now; a promise when messages are compressed. */
  push(chunk: Buffer): readonly Buffer[] | Promise<readonly Buffer[]>;
  /** Says that the upstream ended well; returns the rest. */
  end(): readonly Buffer[];
  /** Returns the trailers that the caller may see. */
  trailers(raw: readonly string[]): readonly string[];
  readonly messages: number;
}

/** Returns the frame of the masked message, null when nothing in it is masked. Throws Failure `mask-blocked`. */
export function maskRequestMessage(call: GrpcCall, message: Buffer, verdict: Verdict): Buffer | null {
  const masker = requestMasker(call, verdict.mask.request, message);
  const { method } = call;
  if (masker === null || method === null) return null;
  const masked = maskMessage(message, method.request, masker, () => {}, OF_REQUEST);
  return masked === message ? null : frameOf(masked);
}

/**
 * Returns the mask of a call's answer; null where it passes as it comes. A caller's stream is read even while no rule
 * applies: a later message may bring one. `found` is what classifiers find, null where none looks. Throws Failure
 * `answer-unreadable`.
 */
export function maskGrpcAnswer(
  call: GrpcCall,
  rules: readonly string[],
  found: OutsideFindings | null,
): GrpcAnswerMask | null {
  const { method } = call;
  const { served, grpc } = call.accepted;
  const { policy } = call.epoch;
  const watching = policy.answers.readsFindings || call.trips !== null;
  const mayGrow = method?.streams.request !== false && policy.masks.length > 0;
  const mayFollow = method?.streams.request !== false;
  if (rules.length === 0 && !watching && !mayGrow && !call.tokens.holdsValues) return null;
  const masker = (names: readonly string[]): TextMasker | null => answerMasker(call, names, mayFollow, found);
  if (method !== null) return new MessageMasks(method.answer, rules, masker, call.found, grpc.longest);
  if (served.config.opaque !== 'allow')
    throw new Failure('answer-unreadable', 'an answer that policy masks is of an unknown method');
  call.session?.mark('answer passed unread: its method is unknown');
  return null;
}

/** Returns what cuts an answer into messages. */
export const splitterOf = (longest: number): FrameSplitter =>
  new FrameSplitter({ longest, tooLong: 'answer-unreadable', malformed: 'answer-unreadable' });

/** Resolves to a message of an answer that was compressed. Rejects with Failure `answer-unreadable`. */
export const decompressAnswer = (frame: GrpcFrame, coding: string, longest: number): Promise<Buffer> =>
  decompress(messageOf(frame), coding, { longest, tooLong: 'answer-unreadable', unreadable: 'answer-unreadable' });

/** Returns what can be told of details for programs. */
export const detailsText = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');

/** Masks messages by themselves, or as texts that go on from one to the next. */
export class MessageMasks implements GrpcAnswerMask {
  messages = 0;
  private readonly codec: MessageCodec;
  private readonly maskerFor: (rules: readonly string[]) => TextMasker | null;
  private rules: readonly string[];
  /** Null while no rule applies. */
  private masker: TextMasker | null;
  /** Null while no rule applies, and where each message is by itself. */
  private texts: ContinuedTexts | null;
  /** What was held under rules that no longer are all. */
  private left: readonly Buffer[] = [];
  private readonly found: (finding: Finding) => void;
  private readonly longest: number;
  private readonly splitter: FrameSplitter;
  private coding = '';

  constructor(
    codec: MessageCodec,
    rules: readonly string[],
    maskerFor: (rules: readonly string[]) => TextMasker | null,
    found: (finding: Finding) => void,
    longest: number,
  ) {
    this.codec = codec;
    this.rules = rules;
    this.maskerFor = maskerFor;
    this.masker = maskerFor(rules);
    this.texts = null;
    this.found = found;
    this.longest = longest;
    this.texts = this.continue();
    this.splitter = splitterOf(longest);
  }

  also(rules: readonly string[]): void {
    if (rules.every((rule) => this.rules.includes(rule))) return;
    this.rules = [...new Set([...this.rules, ...rules])];
    this.masker = this.maskerFor(this.rules);
    this.left = [...this.left, ...(this.texts?.end() ?? [])];
    this.texts = this.continue();
  }

  head(raw: readonly string[]): readonly string[] {
    this.coding = fieldValue(raw, 'grpc-encoding');
    return this.trailers(raw);
  }

  push(chunk: Buffer): readonly Buffer[] | Promise<readonly Buffer[]> {
    const frames = this.splitter.push(chunk);
    if (!frames.some(({ compressed }) => compressed))
      return frames.flatMap((frame) => this.mask(frame, messageOf(frame)));
    return this.pushCompressed(frames);
  }

  end(): readonly Buffer[] {
    this.splitter.end();
    return [...this.left, ...(this.texts?.end() ?? [])].map(frameOf);
  }

  /** Texts for people, and metadata, may repeat what the request said; what is made for programs is withheld where it does. */
  trailers(raw: readonly string[]): readonly string[] {
    const { masker } = this;
    if (masker === null) return raw;
    const fields: string[] = [];
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at] ?? '';
      const value = raw[at + 1] ?? '';
      if (name === 'grpc-message') fields.push(name, encodeMessage(masker.whole(decodeMessage(value), this.found)));
      else if (!name.endsWith('-bin')) fields.push(...maskLines([name, value], masker, this.found));
      else if (this.isClean(value, masker)) fields.push(name, value);
    }
    return fields;
  }

  private isClean(base64: string, masker: TextMasker): boolean {
    const text = detailsText(base64);
    return masker.whole(text, this.found) === text;
  }

  private read(frame: GrpcFrame): Promise<Buffer> | Buffer {
    return frame.compressed ? decompressAnswer(frame, this.coding, this.longest) : messageOf(frame);
  }

  private async pushCompressed(frames: readonly GrpcFrame[]): Promise<readonly Buffer[]> {
    const pieces: Buffer[] = [];
    for (const frame of frames) pieces.push(...this.mask(frame, await this.read(frame)));
    return pieces;
  }

  private continue(): ContinuedTexts | null {
    const { continued } = this.codec;
    if (continued === undefined || this.masker === null) return null;
    return new ContinuedTexts(this.codec, continued, this.masker, this.found);
  }

  private mask(frame: GrpcFrame, message: Buffer): readonly Buffer[] {
    this.messages++;
    if (this.masker === null) return [frame.bytes];
    const masked = this.texts?.push(message) ?? [maskMessage(message, this.codec, this.masker, this.found, OF_ANSWER)];
    const left = this.left;
    this.left = [];
    return [...left.map(frameOf), ...masked.map((bytes) => (bytes === message ? frame.bytes : frameOf(bytes)))];
  }
}
