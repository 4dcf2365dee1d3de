import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { encodeSessionProof } from '../../src/ledger/session-proof.ts';
import { proveSession } from '../../src/record/prove-session.ts';
import { oneCall, openHouse, signer } from '../record/house.ts';

const proofOfACall = async (): Promise<string> => {
  const house = await openHouse();
  const id = await oneCall(house.recorder);
  await house.close();
  const again = await openHouse({ folder: house.folder });
  const row = (await again.rows()).find((each) => each.id === id);
  await again.close();
  if (row === undefined) throw new Error('expected a row');
  return encodeSessionProof(await proveSession(row, { folder: house.folder, pageKeys: house.pageKeys, withKey: true }));
};

const inABrowser = (proof: string): unknown => {
  const script = fileURLToPath(new URL('as-browser.ts', import.meta.url));
  const ran = spawnSync(process.execPath, [script, signer.verifier.vkey], { input: proof, encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  return JSON.parse(ran.stdout);
};

it('verifies a proof without anything that a browser lacks, and finds one changed byte', async () => {
  const proof = await proofOfACall();
  expect(inABrowser(proof)).toMatchObject({ ok: true, problems: [], content: 2, buffer: 'undefined' });
  const changed = proof.replace(/"reason\\":\\"completed/, '"reason\\":\\"interrupted');
  expect(changed).not.toBe(proof);
  expect(inABrowser(changed)).toMatchObject({ ok: false });
});

it('has a package.json that puts the same file in the place of node:crypto for bundlers', () => {
  const root = new URL('../../', import.meta.url);
  const manifest: { readonly browser: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(new URL('package.json', root), 'utf8'),
  );
  const files = Object.entries(manifest.browser).flat();
  expect(files).toEqual(['./dist/ledger/crypto.js', './dist/ledger/crypto-web.js']);
  for (const file of files) {
    expect(existsSync(new URL(file.replace('./dist/', 'src/').replace(/js$/, 'ts'), root)), file).toBe(true);
  }
});
