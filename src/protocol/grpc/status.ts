/** How a gRPC call ends: its status in trailers, with google.rpc.Status and ErrorInfo (AIP-193) for programs. */

import { REASONS } from '../../reasons.ts';
import type { Refusal } from '../codec.ts';
import { lengthField } from './protobuf.ts';

/** Who says so, in ErrorInfo (google/rpc/error_details.proto). */
const DOMAIN = 'sallyport';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
/** The header list of many clients ends at 8 KiB; a status must fit beside the rest. */
const LONGEST_TEXT = 1024;

/** Returns the trailers of a refusal: name, value, name, value. */
export function statusFields(refusal: Refusal, code: number = REASONS[refusal.reason].grpc): string[] {
  const { title, detail } = refusal;
  const message = (detail === '' ? title : `${title} ${detail}`).slice(0, LONGEST_TEXT);
  const details = statusDetails(code, message, refusal).toString('base64').replace(/=+$/, '');
  return ['grpc-status', String(code), 'grpc-message', encodeMessage(message), 'grpc-status-details-bin', details];
}

/** Returns google.rpc.Status { code = 1, message = 2, details = 3 } with one ErrorInfo { reason = 1, domain = 2, metadata = 3 }. */
function statusDetails(code: number, message: string, { reason, session, extra }: Refusal): Buffer {
  const metadata = { ...(session === '' ? {} : { session }), ...extra };
  const info = Buffer.concat([
    lengthField(1, reason),
    lengthField(2, DOMAIN),
    ...Object.entries(metadata).map(([key, value]) =>
      lengthField(3, Buffer.concat([lengthField(1, key), lengthField(2, value)])),
    ),
  ]);
  const any = Buffer.concat([lengthField(1, ERROR_INFO), lengthField(2, info)]);
  return Buffer.concat([Buffer.from([0x08, code]), lengthField(2, message), lengthField(3, any)]);
}

/** Returns text as `grpc-message` carries it: percent-encoded but for printable ASCII (PROTOCOL-HTTP2.md "Status-Message"). */
export const encodeMessage = (text: string): string => {
  let out = '';
  for (const byte of Buffer.from(text.toWellFormed())) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    out += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
};

/** Returns the text of a `grpc-message`. What is no escape stands for itself, as the specification asks of readers. */
export const decodeMessage = (text: string): string =>
  Buffer.from(
    text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();

/** The status of a call whose stream was reset (PROTOCOL-HTTP2.md "HTTP2 Transport Mapping: Errors"), by HTTP/2 error code. */
const RESETS: ReadonlyMap<number, number> = new Map([
  [0x0, 13],
  [0x1, 13],
  [0x2, 13],
  [0x3, 13],
  [0x4, 13],
  [0x5, 2],
  [0x6, 13],
  [0x7, 14],
  [0x8, 1],
  [0x9, 13],
  [0xa, 13],
  [0xb, 8],
  [0xc, 7],
]);

/** Returns the status that a client gives a stream reset with this error code. */
export const statusOfReset = (code: number): number => RESETS.get(code) ?? 2;
