import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CreateKeyCommand, CreateAliasCommand, KMSClient } from '@aws-sdk/client-kms';
import { oneCall, openHouse, recordingKey } from '../../record/house.ts';
import { kmsEndpoints, kmsIdentity } from '../../../src/record/aws-kms.ts';
import { type KeyEnvelope, unwrapKey, wrapKey } from '../../../src/record/key-envelope.ts';
import { KeyRing } from '../../../src/record/key-ring.ts';
import { recipientOf } from '../../../src/record/recipients.ts';
import { awsEnv } from '../../support/key-service.ts';
import { freePort, serve, type Serving } from '../serving.ts';
import { pythonWith } from './python.ts';

const python = pythonWith(['moto[server]==5.1.18'], ['moto', 'flask']);

if (python.kind === 'none') it(`AWS KMS of moto: not run, ${python.why}`, () => {});
else
  describe('AWS KMS as moto has it', () => {
    let moto: Serving;
    let endpoint = '';
    let arn = '';
    let alias = '';
    const admin = () => new KMSClient({ region: 'eu-central-1', endpoint });

    beforeAll(async () => {
      for (const [name, value] of Object.entries(awsEnv('AKIAINTEROP'))) vi.stubEnv(name, value);
      const port = await freePort();
      endpoint = `http://127.0.0.1:${port}`;
      moto = await serve(python.command, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
        cwd: tmpdir(),
        url: `${endpoint}/moto-api/`,
      });
      const made = await admin().send(new CreateKeyCommand({}));
      arn = made.KeyMetadata?.Arn ?? '';
      await admin().send(new CreateAliasCommand({ AliasName: 'alias/recordings', TargetKeyId: arn }));
      alias = arn.replace(/key\/.*/, 'alias/recordings');
    });
    afterAll(() => moto.stop());

    const key = randomBytes(32);
    const named = () => ({ aws_kms: arn, endpoint });
    const identity = () => kmsIdentity(kmsEndpoints([named()]));
    const wrapped = (to: string): Promise<KeyEnvelope> =>
      wrapKey({ kind: 'recording', key, made: 1 }, [recipientOf({ aws_kms: to, endpoint }, 'log.example')]);

    it('wraps and unwraps, by the name of the key and by an alias', async () => {
      for (const to of [arn, alias]) {
        const envelope = await wrapped(to);
        expect(envelope.wraps[0]?.to).toBe(arn);
        expect(await unwrapKey(envelope, [identity()])).toEqual(new Uint8Array(key));
      }
    });

    it('does not unwrap under another context', async () => {
      const envelope = await wrapped(arn);
      const moved = { ...envelope, wraps: envelope.wraps.map((wrap) => ({ ...wrap, log: 'other.example' })) };
      await expect(unwrapKey(moved, [identity()])).rejects.toThrow('InvalidCiphertextException');
      await expect(unwrapKey({ ...envelope, kind: 'originals' }, [identity()])).rejects.toThrow('InvalidCiphertext');
    });

    it('opens what is recorded under a key that it wrapped', async () => {
      const house = await openHouse({ policy: { recipients: [named()], originals: [] } });
      await oneCall(house.recorder);
      await house.close();
      for (const id of house.pageKeys.kept) await house.pageKeys.drop(id);
      const tag = Buffer.from(house.pageKeys.list()[0]?.id.slice(0, 16) ?? '', 'hex');
      expect((await KeyRing.open(house.folder, recordingKey, [identity()])).find(tag).key).toHaveLength(32);
    });
  });
