/** The growing texts of one stream: each is masked as one text, however its fragments are spread over events. */

import type { Finding } from '../call.ts';
import type { Delta } from '../protocol/codec.ts';
import { Failure } from '../reasons.ts';
import { jsonTextStream } from './json-text.ts';
import type { TextMasker, TextStream } from './text-masker.ts';

/** More texts than any answer has: each costs memory until the stream ends. */
const MOST_CHANNELS = 4096;

interface Channel {
  readonly stream: TextStream;
  /** Something in this text was masked. */
  masked: boolean;
  over: boolean;
}

/** The channels of one stream. */
export class Channels {
  private readonly masker: TextMasker;
  private readonly found: (finding: Finding) => void;
  private readonly channels = new Map<string, Channel>();

  constructor(masker: TextMasker, found: (finding: Finding) => void) {
    this.masker = masker;
    this.found = found;
  }

  /** Returns what may leave of a channel now that it has grown. Throws Failure `answer-unreadable` after its end. */
  push({ channel: name, text, kind }: Delta): string {
    const channel = this.channels.get(name) ?? this.begin(name, kind === 'json');
    if (!channel.over) return channel.stream.push(text);
    if (text === '') return text;
    throw new Failure('answer-unreadable', 'expected a text to end where its stream says that it ends');
  }

  /** Returns the rest of a channel, which ends; '' when there is none. */
  close(name: string): string {
    const channel = this.channels.get(name);
    if (channel === undefined || channel.over) return '';
    channel.over = true;
    return channel.stream.end();
  }

  /** Returns the names of the channels that have not ended, the oldest first. */
  open(): readonly string[] {
    return [...this.channels].filter(([, channel]) => !channel.over).map(([name]) => name);
  }

  /** Returns true when something of this text was masked. */
  wasMasked(name: string): boolean {
    return this.channels.get(name)?.masked === true;
  }

  private begin(name: string, json: boolean): Channel {
    if (this.channels.size >= MOST_CHANNELS)
      throw new Failure('answer-unreadable', `expected at most ${MOST_CHANNELS} texts in one stream`);
    const found = (finding: Finding): void => {
      if (finding.kept !== true) channel.masked = true;
      this.found(finding);
    };
    const stream = json ? jsonTextStream(this.masker, found) : this.masker.stream(found);
    const channel: Channel = { stream, masked: false, over: false };
    this.channels.set(name, channel);
    return channel;
  }
}
