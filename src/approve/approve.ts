/** approve: the state machine of approvals over the state database. Every transition is one conditional UPDATE. */

import { randomBytes } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { Clock } from '../clock.ts';
import type { LeafBody } from '../ledger/leaf.ts';
import { Failure } from '../reasons.ts';
import { APPROVAL_STEPS, type ApprovalRow, type ApprovalState, type ApprovalTables } from '../store/approvals.ts';
import { migrate } from '../store/migrate.ts';
import type { Store } from '../store/sqlite.ts';
import type {
  Approval,
  ApprovalRequest,
  Approvals,
  Ballot,
  Claim,
  ClaimOutcome,
  Person,
  VoteOutcome,
} from './approvals.ts';
import type { ApprovalHashes } from './envelope.ts';
import { shownApproval } from './shown.ts';
import { refusedVote } from './voter.ts';

/** Keeps bodies unreadable at rest. */
export interface Box {
  seal(bytes: Uint8Array, context: string): Uint8Array;
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** What approvals are made of. */
export interface ApprovalParts {
  readonly store: Store<ApprovalTables>;
  /** Resolves when the leaf is durable in the ledger. */
  readonly seal: (leaf: LeafBody) => Promise<void>;
  readonly hashes: ApprovalHashes;
  readonly box: Box;
  readonly clock: Clock;
  /** Pending approvals per caller. */
  readonly pendingPerCaller: number;
}

/** Approvals with what only their owner may do. */
export interface OwnedApprovals extends Approvals {
  /** Ends what is out of time. Resolves to how many. */
  expire(): Promise<number>;
  /** Seals leaves that a crash kept from the ledger. */
  settle(): Promise<void>;
}

type Trx = Transaction<ApprovalTables>;

const isOver = (state: ApprovalState): boolean => state !== 'pending' && state !== 'approved';

/** Returns the approvals of a state database; makes their tables when missing. */
export function openApprovals(parts: ApprovalParts): OwnedApprovals {
  migrate(parts.store.raw, 'approvals', APPROVAL_STEPS);
  return new Desk(parts);
}

class Desk implements OwnedApprovals {
  readonly #parts: ApprovalParts;
  /** Who waits for a decision, by approval. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #settling: Promise<void> = Promise.resolve();

  constructor(parts: ApprovalParts) {
    this.#parts = parts;
  }

  async request(asked: ApprovalRequest): Promise<Approval> {
    await this.expire();
    const id = newId();
    const row = await this.#commit(async (trx) => {
      const known = await trx
        .selectFrom('approvals')
        .selectAll()
        .where('issuer', '=', asked.caller.issuer)
        .where('subject', '=', asked.caller.subject)
        .where('digest', '=', asked.digest)
        .where('state', '=', 'pending')
        .executeTakeFirst();
      if (known !== undefined) return known;
      await this.#checkCap(trx, asked.caller);
      const fresh = this.#newRow(id, asked);
      await trx.insertInto('approvals').values(fresh).execute();
      await this.#owe(trx, {
        type: 'approval.requested',
        approval: id,
        subj: this.#hash(asked.caller),
        service: asked.service,
        rule: asked.rule,
        digest: this.#parts.hashes.digest(asked.digest),
        quorum: asked.quorum,
        expires: fresh.expires,
      });
      return fresh;
    });
    return shownApproval(row, [], this.#parts.hashes);
  }

  async vote(ballot: Ballot): Promise<VoteOutcome> {
    await this.expire();
    const { hashes } = this.#parts;
    const outcome = await this.#commit(async (trx): Promise<VoteOutcome> => {
      const row = await trx.selectFrom('approvals').selectAll().where('id', '=', ballot.id).executeTakeFirst();
      const why = refusedVote(ballot, row, hashes);
      if (why !== null || row === undefined) return { kind: 'refused', why: why ?? 'unknown' };
      const inserted = await trx
        .insertInto('votes')
        .values({
          approval: row.id,
          ...personOf(ballot.voter),
          decision: ballot.decision,
          reason: ballot.reason,
          at: this.#now(),
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows !== 1n) return { kind: 'refused', why: 'voted' };
      const digest = hashes.digest(row.digest);
      await this.#owe(trx, {
        type: 'approval.voted',
        approval: row.id,
        voter: this.#hash(ballot.voter),
        digest,
        decision: ballot.decision,
      });
      await this.#decide(trx, row, ballot.decision);
      return { kind: 'counted', approval: await this.#shown(trx, row.id) };
    });
    if (outcome.kind === 'counted' && outcome.approval.state !== 'pending') this.#wake(ballot.id);
    return outcome;
  }

  async claim(claim: Claim): Promise<ClaimOutcome> {
    await this.expire();
    return this.#commit(async (trx): Promise<ClaimOutcome> => {
      const row = await trx.selectFrom('approvals').selectAll().where('id', '=', claim.id).executeTakeFirst();
      // somebody else's approval is as unknown as one that never was
      if (row === undefined || !isSame(row, claim.caller)) return { kind: 'refused', reason: 'approval-unknown' };
      if (row.call !== claim.call) return { kind: 'refused', reason: 'approval-mismatch' };
      if (row.digest !== claim.digest) return this.#supersede(trx, row);
      const used = await this.#move(trx, row.id, 'approved', {
        state: 'consumed',
        used_by: claim.session,
        body: null,
        forwarded: null,
      });
      if (!used) return { kind: 'refused', reason: refusalOf(row.state) };
      await this.#owe(trx, {
        type: 'approval.consumed',
        approval: row.id,
        digest: this.#parts.hashes.digest(row.digest),
        sid: claim.session,
      });
      return { kind: 'claimed', bytes: this.#unsealed(row, row.forwarded ?? row.body) };
    });
  }

  decided({ id, ms }: { readonly id: string; readonly ms: number }): Promise<ApprovalState> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(id);
        this.#state(id).then(resolve, reject);
      };
      const timer = setTimeout(done, ms);
      waiting.add(done);
      // it may have been decided before anybody waited
      this.#state(id).then((state) => state !== 'pending' && done(), reject);
    });
  }

  async cancel({ id, caller }: { readonly id: string; readonly caller: Person }): Promise<void> {
    await this.#commit(async (trx) => {
      const row = await trx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined || !isSame(row, caller)) return;
      if (await this.#move(trx, id, 'pending', { state: 'cancelled', ...FORGET }))
        await this.#owe(trx, { type: 'approval.cancelled', approval: id });
    });
    this.#wake(id);
  }

  async get(id: string): Promise<Approval | null> {
    await this.expire();
    return this.#find(id);
  }

  async list({ state }: { readonly state: ApprovalState | null }): Promise<readonly Approval[]> {
    await this.expire();
    const { db } = this.#parts.store;
    const query = db.selectFrom('approvals').selectAll().orderBy('created', 'desc').limit(500);
    const rows = await (state === null ? query : query.where('state', '=', state)).execute();
    if (rows.length === 0) return [];
    const votes = await db
      .selectFrom('votes')
      .selectAll()
      .where(
        'approval',
        'in',
        rows.map(({ id }) => id),
      )
      .execute();
    return rows.map((row) =>
      shownApproval(
        row,
        votes.filter(({ approval }) => approval === row.id),
        this.#parts.hashes,
      ),
    );
  }

  async body(id: string): Promise<Uint8Array | null> {
    const row = await this.#parts.store.db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : this.#unsealed(row, row.body);
  }

  async expire(): Promise<number> {
    const now = this.#now();
    const due = await this.#parts.store.db.selectFrom('approvals').select('id').where(outOfTime(now)).execute();
    if (due.length === 0) return 0;
    await this.#commit(async (trx) => {
      for (const { id } of due) {
        const moved = await trx
          .updateTable('approvals')
          .set({ state: 'expired', ...FORGET })
          .where('id', '=', id)
          .where(outOfTime(now))
          .executeTakeFirst();
        if (moved.numUpdatedRows === 1n) await this.#owe(trx, { type: 'approval.expired', approval: id });
      }
    });
    for (const { id } of due) this.#wake(id);
    return due.length;
  }

  /** One at a time; a leaf is dropped from the outbox only once the ledger has it, so a crash repeats it rather than loses it. */
  settle(): Promise<void> {
    this.#settling = this.#settling.then(async () => {
      const { db } = this.#parts.store;
      for (const { id, leaf } of await db.selectFrom('outbox').selectAll().orderBy('id').execute()) {
        // as: only `#owe` writes the outbox
        await this.#parts.seal(JSON.parse(leaf) as LeafBody);
        await db.deleteFrom('outbox').where('id', '=', id).execute();
      }
    });
    return this.#settling;
  }

  /** Runs a transition; resolves once its leaves are durable in the ledger too. */
  async #commit<T>(run: (trx: Trx) => Promise<T>): Promise<T> {
    const result = await this.#parts.store.db.transaction().execute(run);
    await this.settle();
    return result;
  }

  async #owe(trx: Trx, leaf: LeafBody): Promise<void> {
    await trx
      .insertInto('outbox')
      .values({ leaf: JSON.stringify(leaf) })
      .execute();
  }

  /** Returns true when the approval was in state `from`, and now is as `to` says. */
  async #move(trx: Trx, id: string, from: ApprovalState, to: Partial<ApprovalRow>): Promise<boolean> {
    const moved = await trx
      .updateTable('approvals')
      .set(to)
      .where('id', '=', id)
      .where('state', '=', from)
      .executeTakeFirst();
    return moved.numUpdatedRows === 1n;
  }

  async #decide(trx: Trx, row: ApprovalRow, decision: Ballot['decision']): Promise<void> {
    if (decision === 'deny') {
      if (await this.#move(trx, row.id, 'pending', { state: 'denied', ...FORGET }))
        await this.#owe(trx, { type: 'approval.denied', approval: row.id });
      return;
    }
    const { votes } = await trx
      .selectFrom('votes')
      .select(({ fn }) => fn.countAll<number>().as('votes'))
      .where('approval', '=', row.id)
      .where('decision', '=', 'approve')
      .executeTakeFirstOrThrow();
    if (votes < row.quorum) return;
    if (await this.#move(trx, row.id, 'pending', { state: 'approved', use_by: this.#now() + row.use_within }))
      await this.#owe(trx, {
        type: 'approval.approved',
        approval: row.id,
        digest: this.#parts.hashes.digest(row.digest),
      });
  }

  /** The same call under other rules, another model server or another rendering: what was approved is not what would happen. */
  async #supersede(trx: Trx, row: ApprovalRow): Promise<ClaimOutcome> {
    for (const from of ['pending', 'approved'] as const) {
      if (await this.#move(trx, row.id, from, { state: 'superseded', ...FORGET }))
        await this.#owe(trx, { type: 'approval.superseded', approval: row.id });
    }
    return { kind: 'refused', reason: isOver(row.state) ? refusalOf(row.state) : 'approval-expired' };
  }

  async #checkCap(trx: Trx, caller: Person): Promise<void> {
    const { pending } = await trx
      .selectFrom('approvals')
      .select(({ fn }) => fn.countAll<number>().as('pending'))
      .where('issuer', '=', caller.issuer)
      .where('subject', '=', caller.subject)
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow();
    if (pending >= this.#parts.pendingPerCaller)
      throw new Failure('approval-limit', `the caller has ${pending} pending approvals`);
  }

  #newRow(id: string, asked: ApprovalRequest): ApprovalRow {
    const now = this.#now();
    const { box } = this.#parts;
    return {
      id,
      state: 'pending',
      ...personOf(asked.caller),
      actors: JSON.stringify(asked.actors.map(({ issuer, subject }) => [issuer, subject])),
      digest: asked.digest,
      call: asked.call,
      service: asked.service,
      model: asked.model,
      operation: asked.operation,
      rule: asked.rule,
      message: asked.message,
      approvers: JSON.stringify(asked.by),
      quorum: asked.quorum,
      use_within: asked.useWithin,
      created: now,
      expires: now + asked.within,
      use_by: null,
      asked_by: asked.session,
      used_by: null,
      body: asked.body === null ? null : box.seal(asked.body, id),
      forwarded: asked.forwarded === null ? null : box.seal(asked.forwarded, id),
    };
  }

  #unsealed(row: ApprovalRow, sealed: Uint8Array | null): Uint8Array | null {
    return sealed === null ? null : this.#parts.box.open(sealed, row.id);
  }

  async #shown(trx: Trx, id: string): Promise<Approval> {
    const row = await trx.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const votes = await trx.selectFrom('votes').selectAll().where('approval', '=', id).execute();
    return shownApproval(row, votes, this.#parts.hashes);
  }

  #find(id: string): Promise<Approval | null> {
    return this.#parts.store.db.transaction().execute(async (trx) => {
      const known = await trx.selectFrom('approvals').select('id').where('id', '=', id).executeTakeFirst();
      return known === undefined ? null : this.#shown(trx, id);
    });
  }

  async #state(id: string): Promise<ApprovalState> {
    await this.expire();
    const row = await this.#parts.store.db
      .selectFrom('approvals')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirst();
    return row?.state ?? 'cancelled';
  }

  #wake(id: string): void {
    for (const done of this.#waiting.get(id) ?? []) done();
  }

  #hash({ issuer, subject }: Person): string {
    return this.#parts.hashes.subject(issuer, subject);
  }

  #now(): number {
    return this.#parts.clock.now();
  }
}

/** A body that no call will need any more. */
const FORGET = { body: null, forwarded: null } as const;

const outOfTime = (now: number) =>
  sql<boolean>`(state = 'pending' AND expires <= ${now}) OR (state = 'approved' AND use_by <= ${now})`;

const personOf = ({ issuer, subject }: Person): Person => ({ issuer, subject });

const isSame = (row: Person, person: Person): boolean => row.issuer === person.issuer && row.subject === person.subject;

/** 80 random bits: an id is no bearer capability, it only has to be unique and short enough to type. */
const newId = (): string => `ap-${randomBytes(10).toString('hex')}`;

function refusalOf(
  state: ApprovalState,
): Exclude<Extract<ClaimOutcome, { kind: 'refused' }>['reason'], 'approval-mismatch' | 'approval-unknown'> {
  if (state === 'consumed') return 'approval-used';
  if (state === 'denied' || state === 'revoked') return 'approval-denied';
  return state === 'pending' ? 'approval-required' : 'approval-expired';
}
