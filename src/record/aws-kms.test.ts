import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { awsEnv, type KeyService, startKeyService } from '../../test/support/key-service.ts';
import { keepLog, newFolder, oneCall, openHouse, recordingKey } from '../../test/record/house.ts';
import { openDeskHouse } from '../../test/record/desk.ts';
import { ageIdentities } from './age.ts';
import { kmsEndpoints, kmsIdentity, kmsRecipient } from './aws-kms.ts';
import { openDeeds } from './deed.ts';
import { envelopeFile, type KeyEnvelope, keyFolder, unwrapKey, wrapKey } from './key-envelope.ts';
import { KeyRing, originalsStart } from './key-ring.ts';
import { KeyServiceError } from './key-service-error.ts';
import { KeyTurns } from './key-turns.ts';
import { keyPolicyOf, recipientOf } from './recipients.ts';

const LOG = 'sallyport.example/test';
const GATEWAY = 'AKIAGATEWAY';
const AUDITOR = 'AKIAAUDITOR';

let kms: KeyService;
beforeAll(async () => {
  kms = await startKeyService({ [GATEWAY]: ['Encrypt'], [AUDITOR]: ['Decrypt'] });
});
afterAll(() => kms.stop());

/** Goes on with the AWS credentials of somebody. */
const as = (who: string): void => {
  for (const [name, value] of Object.entries(awsEnv(who))) vi.stubEnv(name, value);
};
const named = () => ({ aws_kms: kms.arn, endpoint: kms.url });
const identity = () => kmsIdentity(kmsEndpoints([named()]));
const key = randomBytes(32);
const wrapped = async (log = LOG): Promise<KeyEnvelope> => {
  as(GATEWAY);
  return wrapKey({ kind: 'recording', key, made: 1 }, [kmsRecipient(named(), log)]);
};
const only = ({ wraps: [wrap] }: KeyEnvelope) => wrap ?? { to: '', wrapped: '' };

describe('a key of AWS KMS as a recipient', () => {
  it('wraps with the right to encrypt alone, and unwraps for who may decrypt', async () => {
    const envelope = await wrapped();
    expect(kms.asked.at(-1)).toEqual({
      operation: 'Encrypt',
      by: GATEWAY,
      context: { 'sallyport-key': envelope.id, 'sallyport-of': 'recording', 'sallyport-log': LOG },
    });
    await expect(unwrapKey(envelope, [identity()])).rejects.toThrow(
      /did not unwrap .* AccessDeniedException: AKIAGATEWAY/,
    );
    as(AUDITOR);
    expect(await unwrapKey(envelope, [identity()])).toEqual(new Uint8Array(key));
    await expect(wrapKey({ kind: 'recording', key, made: 1 }, [kmsRecipient(named(), LOG)])).rejects.toThrow(
      /AWS KMS did not wrap a key for arn:.*: AccessDeniedException/,
    );
  });

  it('names the key behind an alias, which may point elsewhere tomorrow', async () => {
    as(GATEWAY);
    const recipient = recipientOf({ aws_kms: kms.alias, endpoint: kms.url }, LOG);
    const envelope = await wrapKey({ kind: 'recording', key, made: 1 }, [recipient]);
    expect(only(envelope).to).toBe(kms.arn);
  });

  it.each([
    ['another key', (envelope: KeyEnvelope) => ({ ...envelope, id: 'b'.repeat(64) })],
    ['originals', (envelope: KeyEnvelope): KeyEnvelope => ({ ...envelope, kind: 'originals' })],
    ['another log', (envelope: KeyEnvelope) => ({ ...envelope, wraps: [{ ...only(envelope), log: 'other.example' }] })],
    [
      'no log',
      ({ wraps, ...envelope }: KeyEnvelope) => ({
        ...envelope,
        wraps: wraps.map(({ to, wrapped: sealed }) => ({ to, wrapped: sealed })),
      }),
    ],
  ])('does not unwrap what was wrapped for %s', async (_, changed) => {
    const envelope = await wrapped();
    as(AUDITOR);
    await expect(unwrapKey(changed(envelope), [identity()])).rejects.toThrow('InvalidCiphertextException');
  });

  it('stands in one list with people, and each of them alone can open', async () => {
    const person = await generateIdentity();
    as(GATEWAY);
    const { recipients } = keyPolicyOf(
      { recipients: [named(), await identityToRecipient(person)], originals: [] },
      LOG,
    );
    const envelope = await wrapKey({ kind: 'recording', key, made: 1 }, recipients);
    expect(await unwrapKey(envelope, ageIdentities(person))).toEqual(new Uint8Array(key));
    // the right credentials are missing, the right file is there
    expect(await unwrapKey(envelope, [identity(), ...ageIdentities(person)])).toEqual(new Uint8Array(key));
    as(AUDITOR);
    expect(await unwrapKey(envelope, [identity()])).toEqual(new Uint8Array(key));
    expect(await unwrapKey({ ...envelope, wraps: envelope.wraps.slice(1) }, [identity()])).toBeNull();
  });
});

describe('recordings under a key that AWS KMS wraps', () => {
  const policy = () => ({ recipients: [named()], originals: [named()] });

  it('are read by who may decrypt, and nobody else is told more than why not', async () => {
    as(GATEWAY);
    const house = await openHouse({ policy: policy() });
    await oneCall(house.recorder);
    await house.close();
    for (const id of house.pageKeys.kept) await house.pageKeys.drop(id);
    const [listed] = house.pageKeys.list();
    const tag = Buffer.from(listed?.id.slice(0, 16) ?? '', 'hex');
    const refused = await KeyRing.open(house.folder, recordingKey, [identity()]);
    expect(() => refused.find(tag)).toThrow(/is not at hand: AWS KMS did not unwrap .*AccessDeniedException/);
    as(AUDITOR);
    const ring = await KeyRing.open(house.folder, recordingKey, [identity()]);
    expect(ring.find(tag).id).toBe(listed?.id);
    const originals = ring.list().find(({ kind }) => kind === 'originals')?.id ?? '';
    expect(await originalsStart(house.folder, originals, [identity()])).toHaveLength(32);
    const path = join(keyFolder(house.folder), envelopeFile({ kind: 'recording', id: listed?.id ?? '' }));
    writeFileSync(path, readFileSync(path, 'utf8').replace(LOG, 'elsewhere.example'));
    const moved = await KeyRing.open(house.folder, recordingKey, [identity()]);
    expect(() => moved.find(tag)).toThrow('InvalidCiphertextException');
  });

  it('do not begin while it cannot be reached: nothing is left on the disk', async () => {
    as(GATEWAY);
    const folder = newFolder();
    const ring = await KeyRing.open(folder, recordingKey);
    const nowhere = keyPolicyOf({ recipients: [{ ...named(), endpoint: 'http://127.0.0.1:9' }], originals: [] }, LOG);
    await expect(ring.begin(nowhere, 1)).rejects.toThrow(KeyServiceError);
    expect(existsSync(keyFolder(folder))).toBe(false);
    expect(() => ring.writing()).toThrow('no recording key');
  });

  it('go on under the key in use when the next one is not wrapped', async () => {
    as(GATEWAY);
    const house = await openDeskHouse({ policy: policy() });
    const before = readdirSync(keyFolder(house.folder));
    const inUse = house.pageKeys.writing().page.id;
    kms.fail(true);
    const outcome = await house.desk.run({ kind: 'rotate', who: 'ada' });
    expect(outcome).toMatchObject({
      kind: 'refused',
      why: expect.stringMatching(/KMSInternal.*; recordings stay under/),
    });
    expect(readdirSync(keyFolder(house.folder))).toEqual(before);
    expect(house.pageKeys.writing().page.id).toBe(inUse);
    kms.fail(false);
    expect(await house.desk.run({ kind: 'rotate', who: 'ada' })).toMatchObject({ kind: 'done' });
    expect(house.pageKeys.writing().page.id).not.toBe(inUse);
    await house.close();
  });

  it('go over to the recipients of another config as soon as it wraps a key for them', async () => {
    as(GATEWAY);
    const house = await openHouse();
    const log = keepLog();
    let now = 1_000;
    let over = 0;
    const append = house.recording.append.bind(house.recording);
    const turns = new KeyTurns(keyPolicyOf({ recipients: [], originals: [] }, LOG), {
      ring: house.pageKeys,
      deeds: openDeeds(recordingKey),
      append,
      now: () => now,
      goOver: () => over++,
      log,
    });
    const inUse = house.pageKeys.writing().page.id;
    kms.fail(true);
    await turns.follow(keyPolicyOf(policy(), LOG));
    expect(turns.totals).toEqual({ failures: 1, overdue: 1 });
    expect(log.lines.join('\n')).toContain('recordings stay under the one in use AWS KMS did not wrap');
    await turns.tend();
    expect(turns.totals.failures).toBe(1);
    now += 30_000;
    await turns.tend();
    expect(turns.totals).toEqual({ failures: 2, overdue: 1 });
    expect([house.pageKeys.writing().page.id, over]).toEqual([inUse, 0]);
    kms.fail(false);
    now += 30_000;
    await turns.tend();
    expect(turns.totals).toEqual({ failures: 2, overdue: 0 });
    expect(over).toBe(1);
    expect(house.pageKeys.list().at(-2)?.to).toEqual([kms.arn]);
    await house.close();
  });
});
