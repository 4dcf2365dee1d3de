/** The recorder thread: composes the parts that keep evidence and decide on approvals. Entry of a worker thread. */

import { hkdfSync } from 'node:crypto';
import { resolve } from 'node:path';
import { workerData } from 'node:worker_threads';
import { type Box, openApprovals, type OwnedApprovals } from './approve/approve.ts';
import { APPROVAL_VERBS, type Approvals } from './approve/approvals.ts';
import { approvalHashes } from './approve/envelope.ts';
import { systemClock } from './clock.ts';
import type { LeafBody } from './ledger/leaf.ts';
import type { Log as Ledger } from './ledger/log.ts';
import { parseWitness } from './ledger/cosignature.ts';
import type { WitnessAt } from './ledger/witness-client.ts';
import { parseSigner } from './ledger/note-key.ts';
import { createLog } from './log.ts';
import { open as openSealed, seal } from './record/cobblestone.ts';
import { openDeeds } from './record/deed.ts';
import { finishWrapping, isWrapping } from './record/envelope-change.ts';
import { dropLeft, GATEWAY, tellMade } from './record/key-change.ts';
import { type KeyPolicy, KeyRing } from './record/key-ring.ts';
import { KeyServiceError } from './record/key-service-error.ts';
import { KeyTurns } from './record/key-turns.ts';
import { type LedgerKey, openLedger } from './record/ledger-key.ts';
import { type MadeKey, untoldKeys } from './record/made-keys.ts';
import { keyPolicyOf, type NamedRecipients } from './record/recipients.ts';
import { type ErrandLine, openErrandLine } from './record/errand-line.ts';
import { type Desk, openDesk } from './record/evidence-desk.ts';
import { keepPolicy } from './record/policy-files.ts';
import { type Recording, startRecording } from './record/recording.ts';
import { Retention } from './record/retention.ts';
import { Stamper } from './record/stamper.ts';
import { serve } from './rpc.ts';
import { readAuthority } from './config/ledger.ts';
import { readRecordingKey, resolveSecret } from './config/secrets.ts';
import type { ApprovalTables } from './store/approvals.ts';
import { type IndexTables, indexWriter } from './store/sessions.ts';
import { openIndex, openState } from './store/sqlite.ts';
import { RECORDER_VERBS, type RecorderBirth, type RecorderVerbs, type RecordingConfig } from './threads.ts';
import { createRecordingMetrics } from './watch/recording-metrics.ts';

const birth: RecorderBirth = workerData;
const { config, baseDir, instance, links } = birth;
const log = createLog({ level: config.log.level, thread: 'recorder' });
const folder = resolve(baseDir, config.store.path);
const recordingKey = readRecordingKey(config.recording.key, baseDir);
const state = openState<ApprovalTables>(folder);
const index = openIndex<IndexTables>(folder);

/** How often approvals that ran out of time are looked for when nobody asks. Milliseconds. */
const EXPIRE_EVERY = 1_000;

const now = (): number => systemClock.now();

interface Parts {
  readonly ledger: Ledger;
  readonly recording: Recording;
  readonly approvals: OwnedApprovals;
  readonly desk: Desk;
  readonly line: ErrandLine;
  readonly expiry: NodeJS.Timeout;
  readonly ring: KeyRing;
  readonly turns: KeyTurns;
}

const deeds = openDeeds(recordingKey);
const ledgerKey: LedgerKey = {
  text: resolveSecret(config.ledger.key, baseDir),
  file: 'file' in config.ledger.key ? resolve(baseDir, config.ledger.key.file) : null,
};
// before anything is opened: a certificate that is none keeps the gateway from starting
const authority = readAuthority(config, baseDir);
/** Its name is that of every key that comes in its place. */
const origin = parseSigner(ledgerKey.text).verifier.name;
let recipients: NamedRecipients = config.recording;
let letting: Promise<void> = Promise.resolve();
let parts: Parts | null = null;
let retention: Retention | null = null;
let stamper: Stamper | null = null;
const metrics = createRecordingMetrics(() => {
  if (parts === null) return null;
  const { sessions, journals } = parts.desk.eraser.totals;
  const { failures, overdue } = parts.turns.totals;
  return {
    ...parts.recording.totals,
    erased: sessions,
    removed: journals,
    keyFailures: failures,
    keyOverdue: overdue,
  };
});

async function openParts(): Promise<Parts> {
  const ledger = await openLedger(ledgerKey, {
    dir: folder,
    witnesses: witnessesOf(config.ledger.witnesses),
    absent: (witness, why) => log.warn({ witness, why }, 'a witness did not cosign a checkpoint'),
  });
  if (await isWrapping(folder)) {
    await ledger.checkpoint();
    await finishWrapping(folder, ledger.size);
  }
  const ring = await KeyRing.open(folder, recordingKey);
  const policy = keyPolicyOf(recipients, origin);
  const made = [...(await untoldKeys(folder, ledger)), ...(await beginKeys(ring, policy))];
  const recording = await startRecording({
    folder,
    instance,
    pageKeys: ring,
    links,
    ledger,
    index,
    clock: systemClock,
    log,
    checkpointEvery: config.ledger.checkpoint_every,
  });
  void recording.failure.then((err) =>
    log.error({ err }, 'evidence cannot be kept any more; no call passes until a restart'),
  );
  await keepPolicy(folder, birth.policy);
  await recording.append({ type: 'config', hash: birth.configHash, policy: birth.policy.hash });
  const approvals = openApprovals({
    store: state,
    seal: async (leaf) => void (await recording.append(leaf)),
    hashes: approvalHashes(recordingKey),
    box: sealedUnder(recordingKey),
    clock: systemClock,
    pendingPerCaller: config.approvals.pending_per_caller,
  });
  await approvals.settle();
  for (const port of birth.approvals) serve<Approvals>(port, approvals, APPROVAL_VERBS);
  const append = (body: LeafBody): Promise<number> => recording.append(body);
  const turns = new KeyTurns(policy, { ring, deeds, append, now, log, goOver: () => recording.rotate() });
  const expiry = setInterval(() => {
    void approvals.expire().catch((err: unknown) => log.error({ err }, 'approvals cannot expire'));
    letting = letting
      .then(letGo)
      .catch((err: unknown) => log.error({ err }, 'a recording key that is done with cannot be destroyed'))
      .then(() => turns.tend())
      .catch((err: unknown) => log.error({ err }, 'a new recording key cannot be made'));
  }, EXPIRE_EVERY);
  const writer = indexWriter(index.raw);
  await tellMade({ ring, deeds, append }, made, GATEWAY);
  // what earlier runs needed for a crash: all of it is sealed
  await dropLeft(
    { ring, append },
    () => recording.keysInUse,
    () => recording.settle(),
  );
  const rotateKey = (who: string): Promise<number> => turns.turn(who);
  const keysInUse = (): ReadonlySet<string> => recording.keysInUse;
  const desk = openDesk({
    folder,
    recordingKey,
    append,
    ledger,
    index,
    writer,
    state,
    now,
    rotateKey,
    ring,
    keysInUse,
  });
  const line = await openErrandLine(folder, desk.run);
  return { ledger, recording, approvals, desk, line, expiry, ring, turns };
}

/** Begins to write under a recording key; rejects with what somebody has to do about it when none can be made. */
async function beginKeys(ring: KeyRing, policy: KeyPolicy): Promise<readonly MadeKey[]> {
  try {
    return await ring.begin(policy, now());
  } catch (cause) {
    if (!(cause instanceof KeyServiceError)) throw cause;
    const todo = 'the gateway needs kms:Encrypt on it, and a way to it; `sallyport check --online` tries both';
    throw new Error(`${cause.message}. Nothing is recorded without it: ${todo}`, { cause });
  }
}

const witnessesOf = (witnesses: typeof config.ledger.witnesses): readonly WitnessAt[] =>
  witnesses.map(({ url, key }) => ({ url, witness: parseWitness(key) }));

/** Now and then: lets go of keys of which the last call has been sealed. */
async function letGo(): Promise<void> {
  if (parts === null || parts.ring.leaving.length === 0 || parts.recording.failed) return;
  const { ring, recording } = parts;
  await dropLeft(
    { ring, append: (body) => recording.append(body) },
    () => recording.keysInUse,
    () => recording.settle(),
  );
}

/** Erases what is kept too long from now on, by the rules of a config. */
function keepFor({ recording, desk, ring }: Parts, { keep, retention: rules }: RecordingConfig): Retention {
  const { holds, eraser, sessions, memo, wished } = desk;
  const started = new Retention({
    folder,
    pageKeys: ring,
    rules: { rules, keep },
    sessions,
    holds,
    eraser,
    memo,
    now,
    log,
    rotate: () => recording.rotate(),
    forgetRefusals: (at) => indexWriter(index.raw).forgetRefusals(at),
    wished,
  });
  started.start();
  return started;
}

/** Has checkpoints time-stamped where the config says so. */
function stamps({ ledger, recording }: Parts): Stamper | null {
  const { timestamps } = config.ledger;
  if (timestamps === undefined || authority === null) return null;
  return new Stamper({
    folder,
    at: { url: timestamps.url, authority },
    every: timestamps.every,
    onError: timestamps.on_error,
    head: () => ledger.head,
    append: (body) => recording.append(body),
    fail: (cause) => recording.fail(cause),
    log,
  });
}

/** Bodies of held calls, sealed under a key of their own and bound to their approval. */
function sealedUnder(key: Uint8Array): Box {
  const own = new Uint8Array(hkdfSync('sha256', key, '', 'sallyport held bodies v1', 32));
  return {
    seal: (bytes, context) => seal(own, Buffer.from(context), Buffer.from(bytes)),
    open: (sealed, context) => openSealed(own, Buffer.from(context), Buffer.from(sealed)),
  };
}

const verbs: RecorderVerbs = {
  async open() {
    parts = await openParts();
    retention = keepFor(parts, config.recording);
    stamper = stamps(parts);
    stamper?.start();
  },
  async config({ hash, policy, recording, witnesses }) {
    // read first: what cannot be used leaves no leaf that says it is in force
    const asked = witnessesOf(witnesses);
    // what the leaf names can be looked up from the leaf on
    await keepPolicy(folder, policy);
    await parts?.recording.append({ type: 'config', hash, policy: policy.hash });
    parts?.ledger.askWitnesses(asked);
    const named = { recipients: recording.recipients, originals: recording.originals };
    const isOther =
      JSON.stringify(named) !== JSON.stringify({ recipients: recipients.recipients, originals: recipients.originals });
    recipients = named;
    if (isOther) await parts?.turns.follow(keyPolicyOf(named, origin));
    await retention?.stop();
    if (parts !== null) retention = keepFor(parts, recording);
  },
  metrics: () => metrics.getMetricsAsJSON(),
  async close() {
    clearInterval(parts?.expiry);
    await retention?.stop();
    await stamper?.stop();
    await parts?.line.close();
    await letting;
    // nothing is open behind it: what is on the disk now is for those who have an identity
    const kept = parts?.ring.kept ?? [];
    await parts?.recording.close(kept.map((key) => ({ type: 'recording.key.dropped', key })));
    if (parts?.recording.failed === false) for (const key of kept) await parts.ring.drop(key);
    await parts?.ledger.close();
    await state.close();
    await index.close();
    log.flush();
  },
};
serve(birth.orders, verbs, RECORDER_VERBS);
