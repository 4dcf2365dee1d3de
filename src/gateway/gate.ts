/** What a data worker handles calls with: the parts of the house, and one epoch of the config. */

import type { Approvals } from '../approve/approvals.ts';
import { type Facts, NOTHING_CLOSER } from '../call.ts';
import type { Classifier } from '../classify/classifier.ts';
import type { Clock } from '../clock.ts';
import type { Config, ServiceConfig } from '../config.ts';
import type { Policy } from '../decide/compile.ts';
import type { Scanner } from '../detect/scanner.ts';
import type { ToolGuard } from '../guard/tools.ts';
import type { Identifier } from '../identify/identify.ts';
import type { Limits } from '../limit/compile.ts';
import type { Tables } from '../limit/limit.ts';
import type { StoreLink } from '../limit/store-link.ts';
import type { Log } from '../log.ts';
import type { OutsideFindings } from '../mask/outside.ts';
import type { MaskRule, SessionUse, TextMasker } from '../mask/text-masker.ts';
import type { Codec, Operation } from '../protocol/codec.ts';
import type { GrpcCodec } from '../protocol/grpc/codec.ts';
import type { Digest } from '../tripwire/wire.ts';
import type { CallWatcher } from '../watch/calls.ts';
import type { Recorder } from '../record/recorder.ts';
import type { BodyBudget } from './http/body.ts';
import type { GrpcUpstream } from './grpc/upstream.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { Routes } from './route.ts';
import type { Upstream } from './upstream.ts';
import type { WorkRoom } from './work-room.ts';

/** A service, ready to serve. */
export interface Served {
  readonly config: ServiceConfig;
  readonly codec: Codec;
  readonly upstream: Upstream;
  /** Null where the service does not speak gRPC. */
  readonly grpc: ServedGrpc | null;
  /** Null where the service says nothing of tools. */
  readonly tools: ToolGuard | null;
  /** What the model server says of its models; null where tensors are not held against it. */
  readonly metadata: MetadataCache | null;
}

/** The gRPC side of a service. */
export interface ServedGrpc {
  /** What is known of its methods; less than there is while the server has not been asked yet. */
  readonly known: () => GrpcCodec;
  /** Resolves to what the server says now; null where it is not asked. Rejects with Failure `upstream-unreachable`. */
  readonly learn: () => Promise<GrpcCodec> | null;
  readonly upstream: GrpcUpstream;
  /** The longest message, in bytes. */
  readonly longest: number;
}

/** What masking rules say of what classifiers find. */
export interface OutsideMasking {
  /** By name. */
  readonly classifiers: ReadonlySet<string>;
  readonly rules: readonly MaskRule[];
}

/** Everything compiled from one config; a call keeps the epoch that it began with. */
export interface Epoch {
  readonly config: Config;
  /** SHA-256, hex, of everything that verdicts and masks are made from (decide/in-force.ts): what records cite. */
  readonly inForce: string;
  readonly routes: Routes<Served>;
  readonly served: readonly Served[];
  readonly identifier: Identifier;
  readonly scanner: Scanner;
  readonly policy: Policy;
  readonly limits: Limits;
  /** Returns the masker for the named rules, null when they are none. `watching` tells of all else that can be found. */
  readonly maskerFor: (rules: readonly string[], watching: boolean, use: SessionUse) => TextMasker | null;
  /** A rule puts back into answers what it replaces in requests. */
  readonly restores: boolean;
  /** What found values are digested under, in records and by the operator `hash`. */
  readonly digestKey: Uint8Array;
  /** Digests a value of a kind under that key. */
  readonly digest: Digest;
  /** In config order. */
  readonly classifiers: readonly Classifier[];
  /** Returns what the named masking rules mask of what classifiers find, and which classifiers those are. */
  readonly outsideOf: (rules: readonly string[]) => OutsideMasking;
  /** Returns the masker that masks what classifiers found, ahead of `masker`, as the named rules say; `masker` where none does. */
  readonly alsoOutside: (
    rules: readonly string[],
    masker: TextMasker,
    findings: OutsideFindings,
    use: SessionUse,
  ) => TextMasker;
  /** Drops all that detectors find: what they find while a text grows is learnt by it. */
  readonly dropper: TextMasker;
  /** Seals the originals of signed texts that were masked. */
  readonly sealKey: Uint8Array;
}

/** Bounds how many calls are held open at once. */
export interface WaitingPlaces {
  /** Returns false when there is no place left. */
  take(): boolean;
  give(): void;
}

/** Returns `places` places. */
export function createWaitingPlaces(places: number): WaitingPlaces {
  let left = places;
  return {
    take: () => left > 0 && left-- > 0,
    give: () => void left++,
  };
}

/** The parts that live as long as the worker. */
export interface Gate {
  readonly clock: Clock;
  readonly log: Log;
  readonly recorder: Recorder;
  readonly approvals: Approvals;
  readonly watcher: CallWatcher;
  readonly budget: BodyBudget;
  /** Room for long work on answers and messages. */
  readonly room: WorkRoom;
  /** The epoch for calls that begin now. */
  readonly epoch: () => Epoch;
  /** Aborted once the worker stops taking calls. A signal and no promise: who listened for one call stops listening. */
  readonly drain: AbortSignal;
  /** Places for calls that are held open for an approval. */
  readonly waiting: WaitingPlaces;
  /** What limits count, in memory that all data workers share. */
  readonly tables: Tables;
  /** To the store that gateways share those through. */
  readonly link: StoreLink;
}

/** Returns the time that limits count by, in ms since the epoch: that of the store, so that all gateways on it agree. */
export const countingTime = ({ clock, link }: Gate): number => clock.now() + link.ahead;

/** Facts of a call whose payload was not, or could not be, inspected. */
export function uninspected(operation: Operation | null, bodyBytes: number, opaque: boolean): Facts {
  return {
    operation: operation?.name ?? 'unknown',
    model: operation?.names?.['model'] ?? '',
    stream: false,
    texts: [],
    tools: [],
    tensors: [],
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
    management: operation?.management === true,
    operations: 1,
    findings: {},
    closer: NOTHING_CLOSER,
  };
}
