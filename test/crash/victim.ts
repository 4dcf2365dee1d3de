/**
 * A gateway without a network, to be killed: a recorder thread and a data worker that makes up calls. Tells on stdout,
 * one line each, what it claims: `session ID`, `leaf NUMBER HASH`, `checkpoint SIZE`; `started` when it begins.
 * Run: node victim.ts FOLDER RECORDING_KEY_HEX SIGNER
 */

import { createHash, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/clock.ts';
import { openLog } from '../../src/ledger/log.ts';
import { parseSigner } from '../../src/ledger/note-key.ts';
import { KeyRing } from '../../src/record/key-ring.ts';
import { createLink, type LinkEnd } from '../../src/record/messages.ts';
import { createRecorder, type Recorder } from '../../src/record/recorder.ts';
import { startRecording } from '../../src/record/recording.ts';
import type { IndexTables } from '../../src/store/sessions.ts';
import { openIndex } from '../../src/store/sqlite.ts';
import { completed, keepLog, opening } from '../record/house.ts';

// synchronous, so that a line is out before anything that follows it
const tell = (line: string): void => void writeSync(1, `${line}\n`);

const fail = (error: unknown): never => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
};

interface Work {
  readonly link: LinkEnd;
}

async function main(folder: string, key: Uint8Array, signer: string): Promise<void> {
  const instance = randomBytes(8).toString('hex');
  const link = createLink(instance, 0);
  tell('started');
  const ledger = await openLog({ dir: folder, signer: parseSigner(signer) });
  const index = openIndex<IndexTables>(folder);
  const ring = await KeyRing.open(folder, key);
  await ring.begin({ recipients: [], originals: [] }, Date.now());
  const recording = await startRecording({
    folder,
    instance,
    pageKeys: ring,
    links: [link.recorder],
    ledger,
    index,
    clock: systemClock,
    log: keepLog(),
    checkpointEvery: 20,
  });
  const work: Work = { link: link.worker };
  const worker = new Worker(new URL(import.meta.url), { workerData: work, transferList: [link.worker.port] });
  worker.on('error', fail);
  void recording.failure.then(fail);
  for (;;) {
    const hash = createHash('sha256').update(randomBytes(8)).digest('hex');
    tell(`leaf ${await recording.append({ type: 'config', hash })} ${hash}`);
    tell(`checkpoint ${ledger.head.size}`);
    await wait(7);
  }
}

async function makeCalls({ link }: Work): Promise<void> {
  const recorder = await createRecorder({
    link,
    recording: { max_session: 2 ** 26, over: 'refuse' },
    clock: systemClock,
    redact: new Set(),
  });
  // sockets keep a real worker up
  setInterval(() => {}, 1000);
  await Promise.all(Array.from({ length: 8 }, (_, caller) => callOn(recorder, caller)));
}

async function callOn(recorder: Recorder, caller: number): Promise<never> {
  for (let call = 0; ; call++) {
    const body = Buffer.alloc((caller * 7_919 + call * 104_729) % 20_000, 'x');
    const session = recorder.open(opening({ at: Date.now(), mono: systemClock.mono(), body }));
    if (call % 5 === 0) recorder.refused(`192.0.2.${caller}`, 'no-token');
    await new Promise<void>((resolve) => {
      session.durable((ok) => {
        // from here on a caller may hold an answer
        if (ok) tell(`session ${session.id}`);
        resolve();
      });
    });
    for (let piece = 0; piece < caller; piece++) {
      session.bytes(Buffer.from(`piece ${piece}`));
      recorder.flush();
      await wait(1);
    }
    session.close(completed);
    await wait(caller % 3);
  }
}

if (isMainThread) {
  const [, , folder = '', key = '', signer = ''] = process.argv;
  await main(folder, Buffer.from(key, 'hex'), signer);
} else {
  const work: Work = workerData;
  await makeCalls(work);
}
