/**
 * Masks the messages of a stream whose texts continue one another: a model that says its answer piece by piece. The text
 * at one place of one part is one text, however it is spread over messages (promise 4).
 */

import type { Finding, JsonStep } from '../call.ts';
import type { Continued, MessageCodec } from '../protocol/grpc/codec.ts';
import { Failure } from '../reasons.ts';
import { guardMask, maskerIn, OF_ANSWER } from './message.ts';
import type { TextMasker, TextStream } from './text-masker.ts';

/** More texts than any answer has: each costs memory until it ends. */
const MOST_CHANNELS = 4096;

/** A text that grows. */
interface Channel {
  readonly part: string;
  readonly stream: TextStream;
  /** The last message that added to it, while some of its text is held; what is held leaves in a copy of it. */
  last: Buffer | null;
}

/** The texts of one stream. After any call has thrown, what was held never leaves. */
export class ContinuedTexts {
  private readonly codec: MessageCodec;
  private readonly how: Continued;
  private readonly masker: TextMasker;
  private readonly found: (finding: Finding) => void;
  private readonly channels = new Map<string, Channel>();

  constructor(codec: MessageCodec, how: Continued, masker: TextMasker, found: (finding: Finding) => void) {
    this.codec = codec;
    this.how = how;
    this.masker = masker;
    this.found = found;
  }

  /** Returns the messages that may leave now: this one, behind what is left of texts that it ends. Throws Failure. */
  push(message: Buffer): readonly Buffer[] {
    return guardMask(OF_ANSWER, () => {
      const part = this.how.part(message);
      const isLast = this.how.isLast(message);
      const here = new Set<string>();
      const masked = this.codec.edit(message, (text, path, tensor) => {
        const key = keyOf(part, path, tensor);
        here.add(key);
        const channel = this.channel(key, part, maskerIn(this.masker, path, tensor, true));
        const leaving = channel.stream.push(text);
        channel.last = channel.stream.held > 0 ? message : null;
        if (!isLast) return leaving;
        this.channels.delete(key);
        return leaving + channel.stream.end();
      });
      const before = isLast ? this.close((channel) => channel.part === part) : [];
      return [...before, masked];
    });
  }

  /** Returns messages with the rest of every text: the stream ended well. Throws Failure. */
  end(): readonly Buffer[] {
    return guardMask(OF_ANSWER, () => this.close(() => true));
  }

  private channel(key: string, part: string, masker: TextMasker): Channel {
    const known = this.channels.get(key);
    if (known !== undefined) return known;
    if (this.channels.size >= MOST_CHANNELS)
      throw new Failure('answer-unreadable', `expected at most ${MOST_CHANNELS} texts in one stream`);
    const channel: Channel = { part, stream: masker.stream(this.found), last: null };
    this.channels.set(key, channel);
    return channel;
  }

  /** Ends texts; returns a copy of each message that last added to one, with nothing in it but what was held. */
  private close(ends: (channel: Channel) => boolean): readonly Buffer[] {
    const rests = new Map<Buffer, Map<string, string>>();
    for (const [key, channel] of this.channels) {
      if (!ends(channel)) continue;
      this.channels.delete(key);
      const rest = channel.stream.end();
      if (rest === '' || channel.last === null) continue;
      const texts = rests.get(channel.last) ?? new Map<string, string>();
      rests.set(channel.last, texts.set(key, rest));
    }
    return [...rests].map(([message, texts]) => {
      const part = this.how.part(message);
      return this.codec.edit(message, (_, path, tensor) => texts.get(keyOf(part, path, tensor)) ?? '');
    });
  }
}

/** What stands in another tensor is another text, wherever it stands. */
const keyOf = (part: string, path: readonly JsonStep[], tensor = ''): string => [part, tensor, ...path].join('\0');
