/** Approvals over a real state database in a folder of their own, with a clock that tests move. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Approval, ApprovalRequest, Ballot, Person, Voter } from '../../src/approve/approvals.ts';
import { openApprovals, type OwnedApprovals } from '../../src/approve/approve.ts';
import { approvalHashes } from '../../src/approve/envelope.ts';
import type { LeafBody } from '../../src/ledger/leaf.ts';
import type { ApprovalTables } from '../../src/store/approvals.ts';
import { openState, type Store } from '../../src/store/sqlite.ts';

export const IDP = 'https://idp.example';
export const ALICE: Person = { issuer: IDP, subject: 'alice' };
export const DIGEST = 'd'.repeat(64);
export const CALL = 'c'.repeat(64);

/** What alice, through her agent, asks for; a lead or carol may approve. */
export const ASKED: ApprovalRequest = {
  caller: ALICE,
  actors: [{ issuer: IDP, subject: 'alices-agent' }],
  digest: DIGEST,
  call: CALL,
  service: 'llm',
  model: 'm',
  operation: 'chat',
  rule: 'big',
  message: '',
  by: [`group:${IDP}|leads`, `subject:${IDP}|carol`],
  quorum: 1,
  within: 60_000,
  useWithin: 10_000,
  session: '01kbfz4m5nz3q8v6w7x9y2a1b0',
  body: Buffer.from('{"secret":"prompt"}'),
  forwarded: null,
};

/** Returns a human of the leads. */
export const lead = (subject: string, over: Partial<Voter> = {}): Voter => ({
  issuer: IDP,
  subject,
  kind: 'human',
  groups: ['leads'],
  expiresAt: 2_000_000_000,
  ...over,
});

/** What a test may replace. */
interface Setting {
  readonly folder?: string;
  readonly seal?: (leaf: LeafBody) => Promise<void>;
  readonly pendingPerCaller?: number;
}

/** Returns approvals in a new folder, and what a test looks at. Everything is removed when the test has finished. */
export const approving = (setting: Setting = {}) => {
  const folder = setting.folder ?? mkdtempSync(join(tmpdir(), 'sallyport-approve-'));
  const store: Store<ApprovalTables> = openState(folder);
  const leaves: LeafBody[] = [];
  const time = { now: 1_000_000 };
  const open = (seal: (leaf: LeafBody) => Promise<void>): OwnedApprovals =>
    openApprovals({
      store,
      seal,
      hashes: approvalHashes(new Uint8Array(32)),
      // reversed, with the context before it: unreadable enough to see that bodies pass through it
      box: {
        seal: (bytes, context) => Buffer.concat([Buffer.from(context), Uint8Array.from(bytes).toReversed()]),
        open(sealed, context) {
          if (Buffer.from(sealed.subarray(0, context.length)).toString() !== context)
            throw new Error('another context');
          return Uint8Array.from(sealed.subarray(context.length)).toReversed();
        },
      },
      clock: { now: () => time.now, mono: () => time.now * 1000 },
      pendingPerCaller: setting.pendingPerCaller ?? 3,
    });
  const approvals = open(setting.seal ?? (async (leaf) => void leaves.push(leaf)));
  onTestFinished(async () => {
    await store.close();
    if (setting.folder === undefined) rmSync(folder, { recursive: true });
  });
  return {
    approvals,
    folder,
    leaves,
    store,
    time,
    /** The same database as after a crash and a new start. */
    restart: () => open(async (leaf) => void leaves.push(leaf)),
    ask: (over: Partial<ApprovalRequest> = {}) => approvals.request({ ...ASKED, ...over }),
    vote: ({ id, digest }: Approval, voter: Voter, over: Partial<Ballot> = {}) =>
      approvals.vote({ id, voter, digest, decision: 'approve', reason: '', ...over }),
    claim: (id: string, over: { caller?: Person; digest?: string; call?: string; session?: string } = {}) =>
      approvals.claim({ id, caller: ALICE, digest: DIGEST, call: CALL, session: ASKED.session, ...over }),
  };
};
