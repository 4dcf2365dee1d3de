/** A recorder and its recording in one thread, over a real folder: what the tests of recordings share. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Caller, type Facts, NOTHING_CLOSER, type Verdict } from '../../src/call.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { type Log as Ledger, openLog } from '../../src/ledger/log.ts';
import { generateSigner, type NoteSigner, parseSigner } from '../../src/ledger/note-key.ts';
import type { Log } from '../../src/log.ts';
import { decodeLeaf } from '../../src/ledger/leaf.ts';
import { readLeaves } from '../../src/record/ledger-leaves.ts';
import { openDeeds } from '../../src/record/deed.ts';
import { GATEWAY, tellMade } from '../../src/record/key-change.ts';
import { type KeyPolicy, KeyRing } from '../../src/record/key-ring.ts';
import { keyPolicyOf, type NamedRecipients } from '../../src/record/recipients.ts';
import { untoldKeys } from '../../src/record/made-keys.ts';
import { createLink } from '../../src/record/messages.ts';
import { createRecorder, type Ending, type Opening, type Recorder, type Session } from '../../src/record/recorder.ts';
import { type Recording, startRecording } from '../../src/record/recording.ts';
import { JournalCheck, type JournalReport } from '../../src/record/verify.ts';
import type { IndexTables, SessionRow } from '../../src/store/sessions.ts';
import { openIndex, type Store } from '../../src/store/sqlite.ts';

/** The key that everything in these tests is signed with. */
export const signer = parseSigner(generateSigner('sallyport.example/test'));
/** The key that everything in these tests is encrypted under. */
export const recordingKey: Uint8Array = randomBytes(32);

/** Returns a new empty folder. */
export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'sallyport-record-'));

/** A log that keeps what it is told. */
export function keepLog(): Log & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const keep = (facts: Readonly<Record<string, unknown>>, message: string): void => {
    const error = facts['err'] instanceof Error ? facts['err'].message : '';
    lines.push([message, error, typeof facts['problem'] === 'string' ? facts['problem'] : ''].join(' ').trim());
  };
  const log = { debug: keep, info: keep, warn: keep, error: keep, flush: () => {}, lines };
  return { ...log, child: () => ({ ...log, child: () => keepLog() }) };
}

/** Everything that keeps evidence, open. */
export interface House {
  readonly folder: string;
  readonly recorders: readonly Recorder[];
  readonly recorder: Recorder;
  readonly recording: Recording;
  readonly ledger: Ledger;
  readonly index: Store<IndexTables>;
  readonly log: ReturnType<typeof keepLog>;
  readonly pageKeys: KeyRing;
  /** Ends it in order. */
  close(): Promise<void>;
  /** Resolves to all rows of sessions by id. */
  rows(): Promise<readonly SessionRow[]>;
}

const NO_RECIPIENTS: NamedRecipients = { recipients: [], originals: [] };

/** Returns whom keys are wrapped for in a house. */
export const policyOf = ({ policy = NO_RECIPIENTS, keys }: HouseOptions): KeyPolicy =>
  keyPolicyOf(policy, (keys?.signer ?? signer).verifier.name);

/** What a house can have otherwise. */
export interface HouseOptions {
  readonly folder?: string;
  readonly workers?: number;
  readonly clock?: Clock;
  readonly maxSession?: number;
  readonly over?: 'refuse' | 'truncate';
  readonly checkpointEvery?: number;
  readonly roomBytes?: number;
  readonly redact?: ReadonlySet<string>;
  readonly policy?: NamedRecipients;
  /** Open already. */
  readonly ledger?: Ledger;
  /** Instead of the keys that all tests share. */
  readonly keys?: { readonly recording: Uint8Array; readonly signer: NoteSigner };
}

/** Resolves to an open house. */
export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const { folder = newFolder(), workers = 1, clock = systemClock, maxSession = 2 ** 26, over = 'refuse' } = options;
  const key = options.keys?.recording ?? recordingKey;
  const instance = randomBytes(8).toString('hex');
  const links = Array.from({ length: workers }, (_, worker) => createLink(instance, worker));
  const ledger = options.ledger ?? (await openLog({ dir: folder, signer: options.keys?.signer ?? signer }));
  const index = openIndex<IndexTables>(folder);
  const log = keepLog();
  const ring = await KeyRing.open(folder, key);
  const untold = await untoldKeys(folder, ledger);
  const begun = await ring.begin(policyOf(options), clock.now());
  const recording = await startRecording({
    folder,
    instance,
    pageKeys: ring,
    ledger,
    index,
    clock,
    log,
    links: links.map((link) => link.recorder),
    checkpointEvery: options.checkpointEvery ?? 1000,
    ...(options.roomBytes === undefined ? {} : { roomBytes: options.roomBytes }),
  });
  await tellMade(
    { ring, deeds: openDeeds(key), append: (body) => recording.append(body) },
    [...untold, ...begun],
    GATEWAY,
  );
  const recorders = await Promise.all(
    links.map(({ worker: link }) =>
      createRecorder({
        link,
        clock,
        recording: { max_session: maxSession, over },
        redact: options.redact ?? new Set(),
      }),
    ),
  );
  const [recorder] = recorders;
  if (recorder === undefined) throw new Error('expected a worker');
  return {
    folder,
    recorders,
    recorder,
    recording,
    ledger,
    index,
    log,
    pageKeys: ring,
    rows: () => allRows(index),
    async close() {
      await Promise.all(recorders.map((each) => each.close()));
      await recording.close();
      await ledger.close();
      await index.close();
    },
  };
}

/** Resolves to all rows of sessions of an index, by id. */
export const allRows = (index: Store<IndexTables>): Promise<readonly SessionRow[]> =>
  index.db.selectFrom('session').selectAll().orderBy('id').execute();

/** A caller. */
export const ada: Caller = {
  issuer: 'https://idp.example.com',
  subject: 'ada',
  kind: 'human',
  groups: ['ml'],
  claims: { sub: 'ada', groups: ['ml'] },
  expiresAt: 2_000_000_000,
};

const facts: Facts = {
  operation: 'chat',
  model: 'tiny',
  stream: true,
  maxTokens: 100,
  inputTokens: 7,
  n: 1,
  temperature: 1,
  images: 0,
  audios: 0,
  files: 0,
  tokenIds: 0,
  bodyBytes: 20,
  opaque: false,
  management: false,
  operations: 1,
  findings: { email: 2 },
  closer: NOTHING_CLOSER,
  texts: [
    { path: ['messages', 0, 'content'], text: 'be brief', role: 'system' },
    { path: ['messages', 1, 'content'], text: 'hello', role: 'user' },
  ],
  tools: [{ name: 'search', type: 'function' }],
  tensors: [],
};

const allow: Verdict = {
  effect: 'allow',
  reason: 'completed',
  rule: 'ml-may-chat',
  message: '',
  mask: { request: [], answer: [] },
};

/** Returns an opening, with what is given in place of what is usual. */
export const opening = (other: Partial<Opening> = {}): Opening => ({
  at: Date.now(),
  mono: systemClock.mono(),
  caller: ada,
  request: {
    method: 'POST',
    service: 'llm',
    path: '/v1/chat/completions',
    query: '',
    rawHeaders: ['Host', 'gateway', 'Authorization', 'Bearer secret-token', 'Content-Type', 'application/json'],
    source: '192.0.2.7',
  },
  operation: 'chat',
  model: 'tiny',
  facts,
  verdict: allow,
  policyHash: 'a'.repeat(64),
  body: Buffer.from('{"messages":"hello"}'),
  forwarded: null,
  approval: '',
  ...other,
});

/** How an answered call ends. */
export const completed: Ending = {
  reason: 'completed',
  status: 200,
  ended: 'ok',
  findings: { phone: 1 },
  usage: { input: 9, output: 3 },
  events: 2,
};

/** Resolves when the opening of a session is on the disk. Rejects when it never will be. */
export const durable = (session: Session): Promise<void> =>
  new Promise((resolve, reject) => {
    session.durable((ok) => (ok ? resolve() : reject(new Error('not durable'))));
  });

/** Resolves when the opening of a session is in its journal. Rejects when it never will be. */
export const written = (session: Session): Promise<void> =>
  new Promise((resolve, reject) => {
    session.written((ok) => (ok ? resolve() : reject(new Error('not written'))));
  });

/** Resolves to the id of one whole call. */
export async function oneCall(recorder: Recorder, other: Partial<Opening> = {}): Promise<string> {
  const session = recorder.open(opening(other));
  await written(session);
  session.head(200, ['Content-Type', 'text/event-stream', 'Set-Cookie', 'sid=secret-cookie']);
  await durable(session);
  session.bytes(Buffer.from('data: one\n\n'));
  session.bytes(Buffer.from('data: two\n\n'));
  session.close(completed);
  return session.id;
}

/** Returns what the journals of a folder are against its ledger, whose last checkpoint has this size. */
export async function verifyJournals(folder: string, size: number): Promise<JournalReport> {
  const check = new JournalCheck(folder);
  let number = 0;
  for await (const bytes of readLeaves(folder, 0, size)) {
    const read = decodeLeaf(bytes);
    if (read.kind === 'known') check.leaf(number, read.leaf);
    number++;
  }
  return check.finish();
}
