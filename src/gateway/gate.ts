/** What a data worker handles calls with: the parts of the house, and one epoch of the config. */

import type { Approvals } from '../approve/approvals.ts';
import type { Caller, CanonicalRequest, Facts } from '../call.ts';
import type { Clock } from '../clock.ts';
import type { Config, ServiceConfig } from '../config.ts';
import type { Policy } from '../decide/compile.ts';
import type { Scanner } from '../detect/scanner.ts';
import type { Identifier } from '../identify/identify.ts';
import type { Log } from '../log.ts';
import type { TextMasker } from '../mask/text-masker.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Reason } from '../reasons.ts';
import type { Recorder } from '../record/recorder.ts';
import type { BodyBudget } from './body.ts';
import type { Routes } from './route.ts';
import type { Upstream } from './upstream.ts';

/** A service, ready to serve. */
export interface Served {
  readonly config: ServiceConfig;
  readonly codec: Codec;
  readonly upstream: Upstream;
}

/** Everything compiled from one config; a call keeps the epoch that it began with. */
export interface Epoch {
  readonly config: Config;
  readonly routes: Routes<Served>;
  readonly identifier: Identifier;
  readonly scanner: Scanner;
  readonly policy: Policy;
  /** Returns the masker for the named rules, null when they are none. */
  readonly maskerFor: (rules: readonly string[]) => TextMasker | null;
}

/** How a call ended, for metrics and the log. */
export interface Ended {
  readonly session: string;
  readonly service: string;
  readonly operation: string;
  readonly model: string;
  readonly caller: Caller | null;
  readonly reason: Reason;
  readonly status: number;
  readonly rule: string;
  /** Microseconds from the end of the request head to the end of the answer. */
  readonly micros: number;
  readonly findings: Readonly<Record<string, number>>;
  readonly requestFindings: Readonly<Record<string, number>>;
}

/** Takes note of what happens on the data path; must be cheap and must not throw. */
export interface Watcher {
  ended(ended: Ended): void;
  /** A stranger was refused; nothing about the payload is known. */
  refused(reason: Reason): void;
  active(calls: number): void;
}

/** The parts that live as long as the worker. */
export interface Gate {
  readonly clock: Clock;
  readonly log: Log;
  readonly recorder: Recorder;
  readonly approvals: Approvals;
  readonly watcher: Watcher;
  readonly budget: BodyBudget;
  /** The epoch for calls that begin now. */
  readonly epoch: () => Epoch;
  /** True once the worker stops taking calls. */
  readonly draining: () => boolean;
}

/** Facts of a call whose payload was not, or could not be, inspected. */
export function uninspected(operation: string, bodyBytes: number, opaque: boolean): Facts {
  return {
    operation,
    model: '',
    stream: false,
    texts: [],
    tools: [],
    maxTokens: Number.MAX_SAFE_INTEGER,
    inputTokens: 0,
    n: 1,
    temperature: 1,
    images: 0,
    audios: 0,
    files: 0,
    tokenIds: 0,
    bodyBytes,
    opaque,
    findings: {},
  };
}

export type { CanonicalRequest };
