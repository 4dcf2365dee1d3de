import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type House, oneCall, openHouse, opening, signer } from '../../test/record/house.ts';
import {
  hasOpenssl,
  makeCertificate,
  startAuthority,
  type TimestampAuthority,
} from '../../test/support/timestamp-authority.ts';
import { readDirectory } from '../ledger/directory.ts';
import { encodeSessionProof } from '../ledger/session-proof.ts';
import { askForTimestamp } from '../ledger/timestamp-client.ts';
import { parseAuthority, stampedHash, timestampRequest, tokenOf, verifyTimestamp } from '../ledger/timestamp.ts';
import { verifyLog } from '../ledger/verify.ts';
import { verifySession } from '../ledger/verify-session.ts';
import { decodeLeaf } from '../ledger/leaf.ts';
import { readLeaves } from './ledger-leaves.ts';
import { proveSession } from './prove-session.ts';
import { Stamper } from './stamper.ts';

const KEYS = [signer.verifier];
const CHECKPOINT = { origin: 'sallyport.example/test', size: 7, root: new Uint8Array(32).fill(9) };

const typesIn = async (house: House): Promise<readonly string[]> => {
  const { size } = await house.ledger.checkpoint();
  const types: string[] = [];
  for await (const bytes of readLeaves(house.folder, 0, size)) types.push(typeOf(bytes));
  return types;
};

const typeOf = (bytes: Uint8Array): string => {
  const read = decodeLeaf(bytes);
  return read.kind === 'known' ? read.leaf.type : read.type;
};

/** Returns what stamps the checkpoints of a house. */
const stamperOf = (house: House, authority: TimestampAuthority, onError: 'continue' | 'stop' = 'continue'): Stamper =>
  new Stamper({
    folder: house.folder,
    at: { url: authority.url, authority: parseAuthority(authority.certificate) },
    every: 3_600_000,
    onError,
    head: () => house.ledger.head,
    append: (body) => house.recording.append(body),
    fail: (cause) => house.recording.fail(cause),
    log: house.log,
  });

if (!hasOpenssl()) {
  console.warn('time-stamps: not run, there is no openssl here');
  it('time-stamps: not run, there is no openssl here', () => {});
} else {
  describe.each(['ec', 'rsa'] as const)('a time-stamp by a real authority with a key of the kind %s', (kind) => {
    let authority: TimestampAuthority;
    let token: Uint8Array;
    const own = () => parseAuthority(authority.certificate);
    const hash = stampedHash(CHECKPOINT);

    beforeAll(async () => {
      authority = await startAuthority(kind);
      token = await askForTimestamp({ url: authority.url, authority: own() }, CHECKPOINT);
    });
    afterAll(() => authority.close());

    it('verifies offline with its certificate, and says when', async () => {
      const { at, by } = await verifyTimestamp(token, { hash, nonce: null }, own());
      expect(Math.abs(at - Date.now())).toBeLessThan(24 * 3_600_000);
      expect(by).toMatch(/^[0-9a-f]{16}$/);
    });

    it('is no good for another checkpoint, another nonce or another certificate', async () => {
      const other = stampedHash({ ...CHECKPOINT, size: 8 });
      await expect(verifyTimestamp(token, { hash: other, nonce: null }, own())).rejects.toThrow('over another hash');
      const nonce = new Uint8Array(8).fill(1);
      await expect(verifyTimestamp(token, { hash, nonce }, own())).rejects.toThrow('answers another request');
      const stranger = parseAuthority(makeCertificate(mkdtempSync(join(tmpdir(), 'sallyport-tsa-')), kind));
      await expect(verifyTimestamp(token, { hash, nonce: null }, stranger)).rejects.toThrow('another certificate');
    });

    it('is refused whichever of its bytes is changed', async () => {
      const problems: number[] = [];
      for (let at = 0; at < token.length; at++) {
        const changed = Uint8Array.from(token);
        changed[at] = (changed[at] ?? 0) ^ 0x01;
        await verifyTimestamp(changed, { hash, nonce: null }, own()).then(
          () => problems.push(at),
          (error: unknown) => {
            expect(error).toMatchObject({ name: expect.stringMatching(/^(Malformed|DataError|OperationError)$/) });
          },
        );
      }
      // what nobody signs: versions, the list of digests, who signs by name and number, parameters of algorithms
      expect(problems.length).toBeLessThan(120);
      const signedPart = Buffer.from(token).indexOf(Buffer.from(hash));
      expect(problems.some((at) => at >= signedPart && at < signedPart + 32)).toBe(false);
    });
  });

  describe('what an authority may be', () => {
    it('is one whose certificate is for time-stamping alone', () => {
      const folder = mkdtempSync(join(tmpdir(), 'sallyport-tsa-'));
      expect(() => parseAuthority(makeCertificate(folder, 'ec', 'no_ext'))).toThrow('for time-stamping alone');
      expect(() => parseAuthority('nothing')).toThrow('no certificate');
    });

    it('asks for what RFC 3161 says', () => {
      const request = timestampRequest(new Uint8Array(32).fill(0xab), Uint8Array.of(0, 0x80));
      const hash = 'ab'.repeat(32);
      expect(request.toHex()).toBe(`303a0201013031300d060960864801650304020105000420${hash}02020080`);
      expect(() => tokenOf(Uint8Array.fromHex('30053003020102'))).toThrow('refused with status 02');
    });
  });

  describe('time-stamps of a ledger', () => {
    let authority: TimestampAuthority;
    beforeAll(async () => {
      authority = await startAuthority();
    });
    afterAll(() => authority.close());

    it('are leaves that verify with the log, and stand in proofs of sessions before them', async () => {
      authority.fail = null;
      const house = await openHouse({ checkpointEvery: 10 });
      const id = await oneCall(house.recorder);
      await vi.waitFor(async () =>
        expect((await house.rows()).find((row) => row.id === id)?.end_leaf).toBeGreaterThan(0),
      );
      await house.ledger.checkpoint();
      await stamperOf(house, authority).stamp();
      await house.recording.settle();
      await house.ledger.checkpoint();
      const authorities = [parseAuthority(authority.certificate)];
      const row = (await house.rows()).find((each) => each.id === id);
      if (row === undefined) throw new Error('expected a row');
      const proof = await proveSession(row, { folder: house.folder, pageKeys: house.pageKeys, withKey: true });
      expect(proof.stamps).toHaveLength(1);
      const bytes = Buffer.from(encodeSessionProof(proof));
      const report = await verifySession(bytes, { keys: KEYS, authorities });
      expect(report).toMatchObject({ ok: true, stamped: [{ at: expect.any(Number) }] });

      // a stamp of another tree, and one whose path leads elsewhere
      const [stamp] = proof.stamps;
      if (stamp === undefined) throw new Error('expected a stamp');
      const forged = [
        { ...stamp, size: stamp.size + 1 },
        { ...stamp, root: Buffer.alloc(32).toString('base64') },
        { ...stamp, path: stamp.path.slice(1) },
      ];
      for (const each of forged) {
        const text = encodeSessionProof({ ...proof, stamps: [each] });
        const found = await verifySession(Buffer.from(text), { keys: KEYS, authorities });
        expect(found.problems).toEqual([expect.stringContaining('time-stamp over')]);
      }
      await house.close();
      const log = await verifyLog(readDirectory(join(house.folder, 'ledger')), { keys: KEYS, authorities });
      expect(log).toMatchObject({ ok: true, stamped: [{ size: stamp.size }] });
      const stranger = parseAuthority(makeCertificate(mkdtempSync(join(tmpdir(), 'sallyport-tsa-')), 'ec'));
      const other = await verifyLog(readDirectory(join(house.folder, 'ledger')), {
        keys: KEYS,
        authorities: [stranger],
      });
      expect(other.problems).toMatchObject([
        { kind: 'timestamp', message: expect.stringContaining('another certificate') },
      ]);
    });

    it('convict a clock that runs ahead: leaves dated after the authority had stamped them', async () => {
      authority.fail = null;
      const ahead = 3_600_000;
      const clock = { now: () => Date.now() + ahead, mono: () => Math.round(performance.now() * 1000) };
      const house = await openHouse({ clock, checkpointEvery: 10 });
      house.recorder
        .open(opening({ at: clock.now() }))
        .close({ reason: 'completed', status: 200, ended: 'ok', findings: {}, usage: null, events: 0 });
      await vi.waitFor(async () => expect(await typesIn(house)).toContain('session.end'));
      await house.ledger.checkpoint();
      await stamperOf(house, authority).stamp();
      await house.close();
      const authorities = [parseAuthority(authority.certificate)];
      const { problems } = await verifyLog(readDirectory(join(house.folder, 'ledger')), { keys: KEYS, authorities });
      expect(problems).toMatchObject([
        { kind: 'clock', message: expect.stringMatching(/though the authority \w+ stamped it/) },
      ]);
    });

    it.each([
      ['does not answer', { status: 503 }, 'answers 503'],
      ['answers another request', 'other-request', 'over another hash'],
    ] as const)(
      'are not kept when the authority %s, and calls go on or stop as the config says',
      async (_, fail, why) => {
        authority.fail = null;
        const house = await openHouse({ checkpointEvery: 10 });
        await stamperOf(house, authority).stamp();
        await oneCall(house.recorder);
        await house.ledger.checkpoint();
        authority.fail = fail;
        const going = stamperOf(house, authority);
        going.start();
        await vi.waitFor(() => expect(house.log.lines.join()).toContain(why));
        await going.stop();
        expect(house.recording.failed).toBe(false);
        expect((await typesIn(house)).filter((type) => type === 'checkpoint.stamped')).toHaveLength(1);
        const stopping = stamperOf(house, authority, 'stop');
        stopping.start();
        expect((await house.recording.failure).message).toContain(
          `no time-stamps: ${why === 'answers 503' ? 'the authority answers 503' : 'it is over another hash'}`,
        );
        await stopping.stop();
        expect(() => house.recorder.open(opening())).toThrow(
          expect.objectContaining({ reason: 'evidence-unavailable' }),
        );
        await house.ledger.close();
        await house.index.close();
      },
    );
  });
}
