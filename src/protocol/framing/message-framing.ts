/** Messages of a WebSocket (RFC 6455 §5.6): each is an event of its own, a JSON document without a name. */

import { Failure } from '../../reasons.ts';
import type { Framing, Splitter } from './framing.ts';

const NOTHING = Buffer.alloc(0);

/** Takes one message a push: where it ends is known from the frames that brought it. */
const messageSplitter = (limit: number): Splitter => ({
  push(message) {
    if (message.length > limit)
      throw new Failure('answer-unreadable', `expected messages of at most ${limit} bytes, found a longer one`);
    return [message];
  },
  end: () => NOTHING,
});

/** The framing of messages: what is pushed and what comes out are whole messages. */
export const messages: Framing = {
  name: 'message',
  form: 'other',
  isText: true,
  apart: true,
  ending: NOTHING,
  splitter: messageSplitter,
  read: (message, text) => ({
    event: '',
    data: text,
    at: 0,
    last: false,
    rewrite: (data) => (data === text ? message : Buffer.from(data ?? '')),
  }),
  mayHoldEvent: () => true,
  render: (_, data) => Buffer.from(data),
  renderFailure: (_, data) => Buffer.from(data),
};
