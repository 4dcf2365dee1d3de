/** Scans journals for journal-pool.ts. Entry of a worker thread. */

import { parentPort, workerData } from 'node:worker_threads';
import type { ScanOrder } from './journal-pool.ts';
import { scanJournal } from './journal-scan.ts';

const folder = String(workerData);

parentPort?.on('message', ({ name, end }: ScanOrder) => {
  const scan = scanJournal(folder, name, end);
  const { buffer } = scan.frames;
  parentPort?.postMessage(scan, buffer instanceof ArrayBuffer ? [buffer] : []);
});
