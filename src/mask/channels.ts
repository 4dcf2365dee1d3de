/** The growing texts of one stream: each is masked as one text, however its fragments are spread over events. */

import type { Finding } from '../call.ts';
import type { Delta } from '../protocol/codec.ts';
import { SLICE } from '../detect/scanner.ts';
import { Failure } from '../reasons.ts';
import type { Steps } from '../turns.ts';
import { maskerAt } from './document.ts';
import { jsonTextStream } from './json-text.ts';
import type { TextMasker, TextStream } from './text-masker.ts';

/** More texts than any answer has at once: each costs memory. */
const MOST_CHANNELS = 4096;

/** Of a longer text the original is not kept, in UTF-16 units; thinking is far below it. */
const LONGEST_SIGNED = 1024 ** 2;

/** The first half of a surrogate pair. */
const HIGH = /[\uD800-\uDBFF]/;

/** A text as it came and as it left, for the signature that may follow. */
interface Both {
  original: string;
  masked: string;
}

interface Channel {
  readonly stream: TextStream;
  /** Null where no signature follows, or the text has become too long. */
  both: Both | null;
  /** Something in this text was masked. */
  masked: boolean;
  over: boolean;
}

/** How a channel begins. */
interface Begun {
  readonly json: boolean;
  readonly signed: boolean;
  readonly masker: TextMasker;
}

/** The channels of one stream. */
export class Channels {
  readonly masker: TextMasker;
  private readonly found: (finding: Finding) => void;
  private readonly channels = new Map<string, Channel>();
  /** UTF-8 bytes of everything that was pushed. */
  written = 0;

  constructor(masker: TextMasker, found: (finding: Finding) => void) {
    this.masker = masker;
    this.found = found;
  }

  /** Returns what may leave of a channel now that it has grown. Throws Failure `answer-unreadable` after its end. */
  push({ channel: name, text, kind, signed, path }: Delta, document?: unknown): string {
    this.written += Buffer.byteLength(text);
    const channel =
      this.channels.get(name) ??
      this.begin(name, { json: kind === 'json', signed: signed === true, masker: this.maskerFor(path, document) });
    if (!channel.over) return noted(channel, text, channel.stream.push(text));
    if (text === '') return text;
    throw new Failure('answer-unreadable', 'expected a text to end where its stream says that it ends');
  }

  /** Returns what `push` does, in steps, for a text that is long. */
  *pushing(delta: Delta, document?: unknown): Steps<string> {
    const { text } = delta;
    let out = '';
    for (let at = 0; at < text.length; ) {
      // half a character would count as a whole one
      const end = at + SLICE - (HIGH.test(text.charAt(at + SLICE - 1)) ? 1 : 0);
      out += this.push({ ...delta, text: text.slice(at, end) }, document);
      at = end;
      yield;
    }
    return out;
  }

  /** Returns the rest of a channel, which ends; '' when there is none. */
  close(name: string): string {
    const channel = this.channels.get(name);
    if (channel === undefined || channel.over) return '';
    channel.over = true;
    return noted(channel, '', channel.stream.end());
  }

  /** Returns the names of the channels that have not ended, the oldest first. */
  open(): readonly string[] {
    return [...this.channels].filter(([, channel]) => !channel.over).map(([name]) => name);
  }

  /** Returns true when this text did not leave as it came. */
  wasMasked(name: string): boolean {
    const channel = this.channels.get(name);
    return channel?.masked === true || channel?.stream.restored === true;
  }

  /** Returns this text, which has ended, as it came and as it left; null when it was not kept. */
  both(name: string): Readonly<Both> | null {
    return this.channels.get(name)?.both ?? null;
  }

  /** A connection may live through more texts than fit: those that have ended make room. */
  private forgetEnded(): void {
    for (const [name, { over }] of this.channels) if (over) this.channels.delete(name);
  }

  private maskerFor(path: Delta['path'], document: unknown): TextMasker {
    return maskerAt(this, path, document);
  }

  private begin(name: string, { json, signed, masker }: Begun): Channel {
    if (this.channels.size >= MOST_CHANNELS) this.forgetEnded();
    if (this.channels.size >= MOST_CHANNELS)
      throw new Failure('answer-unreadable', `expected at most ${MOST_CHANNELS} texts in one stream`);
    const found = (finding: Finding): void => {
      if (finding.kept !== true) channel.masked = true;
      this.found(finding);
    };
    const stream = json ? jsonTextStream(masker, found) : masker.stream(found);
    const channel: Channel = { stream, both: signed ? { original: '', masked: '' } : null, masked: false, over: false };
    this.channels.set(name, channel);
    return channel;
  }
}

/** Returns what leaves of a channel, after noting it beside what came. */
const noted = (channel: Channel, came: string, leaves: string): string => {
  const { both } = channel;
  if (both === null) return leaves;
  both.original += came;
  both.masked += leaves;
  if (both.original.length > LONGEST_SIGNED) channel.both = null;
  return leaves;
};
