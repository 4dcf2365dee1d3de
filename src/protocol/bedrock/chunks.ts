/**
 * What InvokeModelWithResponseStream streams: events `chunk` whose payload holds a document of the model's vendor in
 * base64, `{"bytes":"…","p":"…"}`; `p` pads. The framing shows the document, and puts a changed one back in.
 */

import { isUtf8 } from 'node:buffer';
import { Failure } from '../../reasons.ts';
import { eventstream } from '../framing/eventstream.ts';
import type { Frame, Framing } from '../framing/framing.ts';
import { parseJson } from '../json/json.ts';
import { editJson } from '../json/json-edit.ts';
import { looksLikeData } from '../strings.ts';
import { isObject, stringMember } from '../value.ts';

const unlike = (found: string): Failure =>
  new Failure('answer-unreadable', `expected a chunk that holds bytes in base64, found ${found}`);

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Returns the document in a chunk's payload. */
const documentIn = (payload: string): string => {
  const value = parseJson(payload, 'answer-unreadable');
  if (!isObject(value)) throw unlike('no object');
  for (const [name, inner] of Object.entries(value))
    if (name !== 'bytes' && (name !== 'p' || typeof inner !== 'string' || !looksLikeData(inner)))
      throw unlike('something beside them');
  const base64 = stringMember(value, 'bytes');
  const bytes = Buffer.from(base64, 'base64');
  if (!BASE64.test(base64) || !isUtf8(bytes)) throw unlike('something else');
  return bytes.toString('utf8');
};

const encoded = (document: string): string => Buffer.from(document).toString('base64');

const unwrap = (frame: Frame): Frame => {
  const { data: payload } = frame;
  if (frame.event !== 'chunk' || payload === null) return frame;
  const was = documentIn(payload);
  return {
    ...frame,
    // The document says itself what kind of event it is.
    event: '',
    data: was,
    rewrite(data, line) {
      if (data === was) return frame.rewrite(payload, line);
      const bytes = encoded(data ?? '');
      return frame.rewrite(editJson(payload, { string: ([name], value) => (name === 'bytes' ? bytes : value) }), line);
    },
  };
};

/** The framing of vendors' documents in an AWS event stream. */
export const bedrockChunks: Framing = {
  ...eventstream,
  read: (frame, text, first) => unwrap(eventstream.read(frame, text, first)),
  render: (_, data) => eventstream.render('chunk', JSON.stringify({ bytes: encoded(data) })),
};
