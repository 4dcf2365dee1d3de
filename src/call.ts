/** The domain's types: what the stations of the way of a call hand to one another. */

import type { Reason } from './reasons.ts';

/** What kind of party a caller is. */
export type CallerKind = 'human' | 'workload' | 'agent';

/** Who makes a call, as a verified token says. Never holds the token. */
export interface Caller {
  readonly issuer: string;
  readonly subject: string;
  readonly kind: CallerKind;
  readonly groups: readonly string[];
  /** All verified claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Seconds since the epoch at which the token expires. */
  readonly expiresAt: number;
}

/** The one canonical request: routing, policy, approval, forwarding and audit all read this (promise 2). */
export interface CanonicalRequest {
  /** Upper-case method token. */
  readonly method: string;
  /** Name of the service that the request is addressed to. */
  readonly service: string;
  /** The protocol's native path, beginning with `/`, percent-escapes as they came, no query. */
  readonly path: string;
  /** The query without `?`; empty when there is none. */
  readonly query: string;
  /** The field lines as they came: name, value, name, value (case and order kept). */
  readonly rawHeaders: readonly string[];
  /** Address of the peer, or of the client that a trusted proxy vouches for. */
  readonly source: string;
}

/** A step in a JSON document: a member name or an array index. */
export type JsonStep = string | number;

/** A text that a model reads or writes, with the place where it stands in its JSON document. */
export interface Text {
  readonly path: readonly JsonStep[];
  readonly text: string;
  /** `system`, `user`, `assistant`, `tool`, …; empty where the protocol has no roles. */
  readonly role: string;
}

/** A tool that the caller offers to the model. */
export interface Tool {
  readonly name: string;
  /** `function` or the protocol's built-in kind, for example `web_search`. */
  readonly type: string;
}

/** A tool call: one that a model makes, one of which a request tells that it was made, or the one that a request is. */
export interface ToolCall {
  readonly name: string;
  /** What the tool is given, parsed; a string where it is no JSON. */
  readonly arguments: unknown;
  /** The request is this call (MCP), and does not only tell of it. */
  readonly made?: true;
}

/** A tensor that the caller hands to the model, or has the model write where inspection cannot look. */
export interface Tensor {
  readonly name: string;
  /** As the protocol spells it, for example `FP32`, `BYTES` or `DT_STRING`; empty where the request does not say. */
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Bytes of its data in this request; of shared memory, those that the request points at. */
  readonly bytes: number;
  /** The shared-memory region that holds it, so that no inspection sees its data; empty for none. */
  readonly region: string;
}

/** A form that deserves a look, where it stands: never what stands there. */
export interface Trip {
  /** `files.delete`, `shell.reverse`, `override`, … */
  readonly kind: string;
  /** The role of the text, `tool_call` for what a tool is given, `text` for a text without a role. */
  readonly place: string;
  /** In UTF-16 units of its text. */
  readonly start: number;
  readonly end: number;
  /** A keyed digest of what stands there; missing where nobody asked for it. */
  readonly digest?: string;
}

/** A trip of the wires for injections, and how much it says by itself, 0 to 1. */
export interface Evidence extends Trip {
  readonly score: number;
}

/** How much a payload looks like one that tries to give instructions where it is data. */
export interface Injection {
  /** 0 to 1; no probability. */
  readonly score: number;
  readonly evidence: readonly Evidence[];
}

/** What a model says of one of its inputs. */
export interface InputSpec {
  readonly name: string;
  /** As its protocol spells it. */
  readonly datatype: string;
  /** A size below zero is any; null where any shape will do. */
  readonly shape: readonly number[] | null;
}

/** What a codec reads out of one operation of a request body. */
export interface RequestReading {
  /** Model name; empty where the protocol names none. */
  readonly model: string;
  /** True when the caller asked for a streamed answer. */
  readonly stream: boolean;
  /** The output limit that the caller set, all spellings normalised; null when unset. */
  readonly maxTokens: number | null;
  /** How many answers are asked for; 1 when unset. */
  readonly n: number;
  /** Sampling temperature; null when unset. */
  readonly temperature: number | null;
  readonly texts: readonly Text[];
  readonly tools: readonly Tool[];
  /** None where the protocol has no tensors. */
  readonly tensors?: readonly Tensor[];
  /** Counts of attached parts. */
  readonly images: number;
  readonly audios: number;
  readonly files: number;
  /** Input given as token ids, whose text inspection cannot read. */
  readonly tokenIds: number;
  /** A part of the input is where no inspection sees it: the call is refused unless its service says `opaque: allow`. */
  readonly unseen?: boolean;
}

/**
 * How a classifier fared with a request or an answer. `passed` and `flagged` it said itself; `failed`: it was to look and
 * did not, or not at everything; `skipped`: there was nothing for it to look at, or no need.
 */
export type ClassifierOutcome = 'passed' | 'flagged' | 'failed' | 'skipped';

/** What a classifier said of a request, or of an answer so far. */
export interface Classified {
  readonly outcome: ClassifierOutcome;
  /** In its own words, each once; never a text that it saw. */
  readonly labels: readonly string[];
  /** How sure it was at most, 0 to 1. */
  readonly score: number;
  /** Questions that it was asked. */
  readonly asked: number;
  /** The longest that one of them took, in µs; 0 when none was asked. */
  readonly micros: number;
  /** Why it failed; missing when it did not. */
  readonly why?: string;
}

/** What inspection learnt of a call's payload. Every field always has a value (DESIGN.md "Facts never go missing"). */
export interface Facts {
  readonly operation: string;
  readonly model: string;
  readonly stream: boolean;
  readonly texts: readonly Text[];
  readonly tools: readonly Tool[];
  readonly tensors: readonly Tensor[];
  /** Largest integer (2^53 - 1) where neither the caller nor `assume` sets a limit. */
  readonly maxTokens: number;
  /** Estimate: UTF-8 bytes of all texts divided by four, rounded up, plus token ids. */
  readonly inputTokens: number;
  readonly n: number;
  /** 1 when unset. */
  readonly temperature: number;
  readonly images: number;
  readonly audios: number;
  readonly files: number;
  readonly tokenIds: number;
  readonly bodyBytes: number;
  /** True when the body could not be read and the service says `opaque: allow`. */
  readonly opaque: boolean;
  /** True for an operation on the server itself, which only a rule that speaks of operations can allow. */
  readonly management: boolean;
  /** How many operations the call holds: 1 for nearly every call, more for batches. */
  readonly operations: number;
  /** Findings in the request: entity kind → count. */
  readonly findings: Readonly<Record<string, number>>;
  readonly closer: CloserLook;
  /** What classifiers said of the request, by name; missing where none was to look. */
  readonly classified?: Readonly<Record<string, Classified>>;
}

/** What costs a look of its own, and is learnt only when it is read: each member is made at its first reading, and kept. */
export interface CloserLook {
  readonly toolCalls: readonly ToolCall[];
  /** Dangerous commands in texts and in what tools are given. */
  readonly commands: readonly Trip[];
  readonly injection: Injection;
  /** Returns what was looked for, because somebody read it; nothing that was not. */
  looked(): LookedFor;
}

/** What was looked for, as records tell it. */
export interface LookedFor {
  readonly commands?: readonly Trip[];
  readonly injection?: Injection;
}

/** A payload that holds nothing to look at. */
export const NOTHING_CLOSER: CloserLook = {
  toolCalls: [],
  commands: [],
  injection: { score: 0, evidence: [] },
  looked: () => ({}),
};

/** What is known of an answer while it flows. */
export interface AnswerFacts {
  readonly status: number;
  /** Empty when it has none. */
  readonly contentType: string;
  /** Findings so far: entity kind → count. */
  readonly findings: Readonly<Record<string, number>>;
  /** Tokens as the model server counted them so far; 0 until it says so. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Calls that are complete, in the order in which they became so. */
  readonly toolCalls: readonly ToolCall[];
  /** Dangerous commands so far. */
  readonly commands: readonly Trip[];
  readonly injection: Injection;
  /** What classifiers have said of it so far, by name; missing where none looks. */
  readonly classified?: Readonly<Record<string, Classified>>;
}

/** One recognised span of a text, in UTF-16 units. */
export interface Finding {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  /** 0 to 1. */
  readonly score: number;
  /** It was only looked for: its text stays as it is. */
  readonly kept?: true;
  /** A keyed digest of the value; missing where nobody asked for it. */
  readonly digest?: string;
}

/** A finding as records tell it: what it is, where it stood, and a keyed digest of it; never the value. */
export interface FoundAt {
  readonly kind: string;
  /** JSON Pointer of its text; empty for a body that is one text, and in answers. Of what trips a wire in an answer, whose text it is. */
  readonly at: string;
  readonly digest: string;
}

/** How an entity is replaced. */
export type MaskOperator = 'replace' | 'mask' | 'redact' | 'hash' | 'tokenize' | 'encrypt' | 'drop' | 'block';

/** Who may approve, how many of them, and for how long. Times in milliseconds. */
export interface ApprovalTerms {
  /** `group:ISSUER|NAME` or `subject:ISSUER|SUBJECT`. */
  readonly by: readonly string[];
  readonly quorum: number;
  readonly within: number;
  readonly useWithin: number;
}

/** Names of the masking rules that apply to a call, in config order. */
export interface MaskObligation {
  readonly request: readonly string[];
  readonly answer: readonly string[];
}

/** A limit that applies to a call: its rule, and the counts that it takes from. */
export interface LimitObligation {
  readonly rule: string;
  /** Names of the counts, made of the values of `per`; several only where the caller has several groups. */
  readonly keys: readonly string[];
  /** Which of several operations, from 0; absent for a call of one. */
  readonly at?: number;
}

interface VerdictBase {
  readonly reason: Reason;
  /** The deciding rule; empty when no rule matched. */
  readonly rule: string;
  /** What the deciding rule tells the caller; empty for none. */
  readonly message: string;
  readonly mask: MaskObligation;
  /** Which of several operations decided, from 0; absent for a call of one. */
  readonly at?: number;
  /** The limits that apply, in config order; absent where none does. */
  readonly limits?: readonly LimitObligation[];
}

/** What decide says of a call, with its obligations and its reason. */
export type Verdict =
  | (VerdictBase & { readonly effect: 'allow' })
  | (VerdictBase & { readonly effect: 'deny' })
  | (VerdictBase & { readonly effect: 'hold'; readonly approve: ApprovalTerms });
