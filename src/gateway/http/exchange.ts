/**
 * One request and its answer on the wire, whichever version of HTTP carries them. The stations of a call see only
 * this, so that there is one way of a call. HTTP/1.1: http/http1.ts, HTTP/2: http2-exchange.ts.
 */

import type { WebSocket } from 'ws';
import type { SocketOptions } from '../websocket/upgrade.ts';

/** A request as it arrives. */
export interface CallRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** The field lines as they came, without pseudo-header fields. */
  readonly rawHeaders: readonly string[];
  /** A body follows although no field says so: HTTP/2, where frames end it. */
  readonly unframed?: boolean;
  /** The body breaks the rules of its framing; nothing of it may be used. */
  readonly malformed: boolean;
  /** Its connection was handed over for another protocol. */
  readonly upgraded?: boolean;
  /** It will not go on. */
  readonly destroyed: boolean;
  /** The request has arrived whole, as its sender ended it. */
  readonly complete: boolean;
  /** Returns a body that has arrived whole and that nobody has begun to read; null for any other. Missing: always null. */
  takeWhole?(): Buffer | null;
  pause(): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): this;
  on(event: 'end' | 'close' | 'error' | 'malformed', listener: () => void): this;
  off(event: 'data', listener: (chunk: Buffer) => void): this;
  off(event: 'end' | 'close' | 'error' | 'malformed', listener: () => void): this;
}

/** The answer to one request; the part of node's ServerResponse that we use, and what differs between the versions. */
export interface CallResponse {
  readonly req: CallRequest;
  readonly headersSent: boolean;
  /** The caller is gone, or we ended the exchange. */
  readonly destroyed: boolean;
  readonly writableFinished: boolean;
  readonly writableNeedDrain: boolean;
  sendDate: boolean;
  writeContinue(): void;
  /** Writes a head ahead of that of the answer: name, value, name, value. No effect once the answer's has left. */
  writeInterim(status: number, fields: readonly string[]): void;
  writeHead(status: number, fields: string[]): unknown;
  writeHead(status: number, statusText: string, fields: string[]): unknown;
  flushHeaders(): void;
  write(bytes: Buffer): boolean;
  addTrailers(fields: readonly [string, string][]): void;
  end(body?: Buffer, sent?: () => void): unknown;
  end(sent: () => void): unknown;
  destroy(): unknown;
  on(event: 'close' | 'drain', listener: () => void): this;
  once(event: 'close' | 'drain', listener: () => void): this;
  off(event: 'close' | 'drain', listener: () => void): this;
  /** Opens the WebSocket that was asked for, in place of an answer; null when the caller has left. Missing where none was. */
  openSocket?(options: SocketOptions): WebSocket | null;
  /** A part of the request has not been read. */
  readonly restUnread: boolean;
  /** Sees to it that the rest of the request is not waited for once the answer has left; returns the field lines that say so. */
  dropRest(): readonly string[];
  /** Ends the exchange behind what was written, without the end of the message: an answer that broke off must look broken. */
  breakOff(): void;
}

/** How long what was written may take to leave before a broken answer is cut. Milliseconds. */
export const BREAK_OFF_MS = 2_000;
