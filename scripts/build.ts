/** `npm run build`: writes the published form of src/ to dist/. */

import { chmodSync, rmSync } from 'node:fs';
import process from 'node:process';
import { ROOT, runTool } from './tool.ts';

rmSync(`${ROOT}dist`, { recursive: true, force: true });
const { code } = await runTool('typescript', 'tsc', ['-p', 'tsconfig.build.json'], true);
if (code === 0) chmodSync(`${ROOT}dist/main.js`, 0o755);
process.exitCode = code;
