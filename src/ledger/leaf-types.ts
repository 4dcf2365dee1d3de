/** Every type of leaf and its members: the one table behind the types, the checks and docs/adr/0005-ledger-format.md. */

import {
  blob,
  count,
  counts,
  hash,
  hashes,
  instance,
  oneOf,
  optional,
  sessionId,
  sessionIds,
  text,
  word,
} from './field.ts';
import type { Field, OptionalField, RequiredField } from './field.ts';

/** Members of every leaf, beside `type`. */
export const COMMON = {
  /** Version of the format. */
  v: { is: (value: unknown): value is 1 => value === 1, says: 'version 1', optional: false },
  /** Wall clock, milliseconds since the epoch. */
  ts: count,
  /** The run of the gateway that wrote it. */
  inst: instance,
  /** Counts the leaves of one run from 0, without a gap. */
  iseq: count,
} as const satisfies Record<string, Field<unknown>>;

// How the frames of a session are committed to: one hash each, or one over all hashes where there are more than 64.
const FRAMES = { frames: count, total: count, cts: optional(hashes), ctr: optional(hash) } as const;
const REWRAPPED = { of: oneOf('recording', 'originals'), key: hash, before: hash, ct: hash, who: text } as const;
const APPROVAL = { approval: text } as const;

/** The members of each type, beside the common ones. A name that could identify a person is a keyed hash. */
export const LEAF_TYPES = {
  'gateway.start': {},
  'gateway.stop': {},
  /**
   * `hash` of the config file that is in force from here on, and of what verdicts and masks are made from under it: the
   * `policy` that sessions cite. What that is stands in the data folder (`policies/`).
   */
  config: { hash, policy: optional(hash) },
  /** The key that signs checkpoints hands over: `next` signs those that are over this leaf. `sig` is by `from`. */
  'key.rotate': { from: text, next: text, sig: text },
  /**
   * A recording key was made: `key` names it and commits to it, `ct` is the hash of the file that holds it, wrapped for
   * those who may read. `of` says what it opens: recordings, or what masking took away.
   */
  'recording.key': { of: oneOf('recording', 'originals'), key: hash, ct: hash, who: text },
  /**
   * A recording key was wrapped once more, for others than before, or destroyed: wrapped for nobody. `before` is the hash
   * of its file until now, `ct` that of the file that took its place.
   */
  'recording.key.wrapped': REWRAPPED,
  'recording.key.destroyed': REWRAPPED,
  /** The gateway has destroyed its own copy of a recording key: from here on others can read what is under it. */
  'recording.key.dropped': { key: hash },
  /**
   * An authority has signed that the checkpoint of this size, with this root (base64), existed at a time: `token` is that of
   * RFC 3161 over the text of the checkpoint.
   */
  'checkpoint.stamped': { size: count, root: text, token: blob },
  /** `ct` of a page of session keys. */
  'key.page': { ct: hash },
  /**
   * A journal file is complete: its name, its length, how many torn bytes a crash left behind
   * that, and the hash over its head and the hashes of its frames.
   */
  'journal.close': { file: text, bytes: count, torn: count, ct: hash },
  /** A session began. `ct` is the hash of its opening frame, `kc` the commitment to its key. */
  'session.start': {
    sid: sessionId,
    subj: hash,
    service: text,
    policy: text,
    decision: oneOf('allow', 'deny', 'hold'),
    ct: hash,
    kc: hash,
  },
  /** A session ended. `total` counts the bytes of its frames; `f` holds the numbers that anomalies are computed from. */
  'session.end': {
    sid: sessionId,
    reason: word,
    ended: oneOf('ok', 'client_abort', 'upstream_err', 'truncated', 'refused'),
    ...FRAMES,
    f: counts,
  },
  /** A session that a crash cut off, closed with what was on disk. */
  'session.recovered': { sid: sessionId, ...FRAMES },
  /** Strangers that were turned away, counted: `src` is a keyed hash of where from, `from` and `to` say when (ms), `ct` is their frame. */
  refused: { ct: hash, src: hash, reason: word, count, from: count, to: count },
  /**
   * Somebody was shown what was recorded of a session. `who` is sealed: only holders of the recording key can read it, as
   * in every leaf about a person's deed.
   */
  read: { sid: sessionId, how: word, who: text },
  /** Somebody looked for a text in recordings: `what` is its keyed hash, `sessions` how many were looked through. */
  search: { what: hash, sessions: count, who: text },
  /** A session must not be erased from here on; `why` is a keyed hash of the reason. */
  'hold.set': { sid: sessionId, who: text, why: hash },
  'hold.released': { sid: sessionId, who: text, why: hash },
  /**
   * The keys of sessions were destroyed, so that nobody can read what was recorded of them: `rule` says by which rule.
   * `page` is the hash of their page of keys until now, `next` the hash of the page that took its place.
   */
  'content.erased': { sids: sessionIds, rule: text, who: text, page: hash, next: hash },
  /** A journal in which every session was erased is there no more. */
  'journal.erased': { file: text },
  /** `digest` is keyed, as in every approval leaf: a hash of a short prompt could be guessed. */
  'approval.requested': {
    ...APPROVAL,
    subj: hash,
    service: text,
    rule: text,
    digest: hash,
    quorum: count,
    expires: count,
  },
  'approval.voted': { ...APPROVAL, voter: hash, digest: hash, decision: oneOf('approve', 'deny') },
  'approval.approved': { ...APPROVAL, digest: hash },
  'approval.denied': APPROVAL,
  'approval.expired': APPROVAL,
  'approval.cancelled': APPROVAL,
  'approval.superseded': APPROVAL,
  'approval.revoked': { ...APPROVAL, voter: hash },
  /** The approved call was made, as session `sid`. */
  'approval.consumed': { ...APPROVAL, digest: hash, sid: sessionId },
} as const satisfies Record<string, Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The members that a table of fields describes. */
export type Members<F> = {
  readonly [K in keyof F as F[K] extends RequiredField<unknown> ? K : never]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends OptionalField<unknown> ? K : never]?: ValueOf<F[K]>;
};

/** The type of a leaf. */
export type LeafType = keyof typeof LEAF_TYPES;

/** A leaf without the common members: what a part of the gateway has to say. */
export type LeafBody = { [T in LeafType]: { readonly type: T } & Members<(typeof LEAF_TYPES)[T]> }[LeafType];

/** The common members. */
export type LeafCommon = Members<typeof COMMON>;

/** A leaf. */
export type Leaf = LeafBody & LeafCommon;
