/**
 * Loads sallyport/verify as a page would: crypto-web.ts stands in the place of crypto.ts, no module of Node can be
 * imported, and what only Node has as a global is gone. Verifies the proof on stdin with the key in argv and prints the
 * report.
 */

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import process from 'node:process';

const bytes = new Uint8Array(readFileSync(0));
const vkey = process.argv[2] ?? '';
const { stdout } = process;

registerHooks({
  resolve(specifier, context, next) {
    if (!/^(?:\.|file:|@noble\/)/.test(specifier)) throw new Error(`a browser has no ${specifier}`);
    return next(specifier.replace(/\/crypto\.ts$/, '/crypto-web.ts'), context);
  },
});
for (const name of ['Buffer', 'process', 'global', 'require', 'setImmediate']) Reflect.deleteProperty(globalThis, name);

const { parseVerifier, verifySession } = await import('../../src/ledger/verify.ts');
const report = await verifySession(bytes, { keys: [parseVerifier(vkey)] });
stdout.write(JSON.stringify({ ...report, content: report.content?.length, buffer: typeof globalThis.Buffer }));
