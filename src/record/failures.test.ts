import { closeSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { completed, durable, type House, oneCall, opening, openHouse, written } from '../../test/record/house.ts';
import type { Session } from './recorder.ts';

const O_APPEND = 0o2000;
const O_RDWR = 0o2;

/** Returns the descriptors of journals of a folder that were opened with a flag: for appending, or for syncing. */
const descriptors = ({ folder }: House, flag: number): readonly number[] =>
  readdirSync('/proc/self/fd')
    .filter((fd) => existsSync(`/proc/self/fd/${fd}`) && readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder))
    .filter((fd) => readlinkSync(`/proc/self/fd/${fd}`).endsWith('.spj'))
    .filter((fd) => {
      const flags = Number.parseInt(
        /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
        8,
      );
      return (flags & flag) !== 0;
    })
    .map(Number);

/** Takes descriptors away, so that the kernel itself refuses what comes next. */
const takeAway = (fds: readonly number[]): void => {
  expect(fds.length).toBeGreaterThan(0);
  for (const fd of fds) closeSync(fd);
};

const refused = expect.objectContaining({ reason: 'evidence-unavailable' });

/** What a session says when nothing can be kept. */
const hasFailed = async (session: Session): Promise<void> => {
  await expect(written(session)).rejects.toThrow('not written');
  expect(session.bytes(Buffer.from('more'))).toBe(false);
  expect(() => session.close(completed)).not.toThrow();
};

describe('after a failed write', () => {
  it('nothing more is let through, on any worker, for good', async () => {
    const house = await openHouse({ workers: 2 });
    await oneCall(house.recorder);
    takeAway(descriptors(house, O_APPEND));
    const session = house.recorder.open(opening());
    await expect(Promise.all([written(session), durable(session)])).rejects.toThrow('not written');
    await expect(durable(session)).rejects.toThrow('not durable');
    await hasFailed(session);
    expect(house.recorder.failed).toBe(true);
    for (const recorder of house.recorders) {
      await vi.waitFor(() => expect(() => recorder.open(opening())).toThrow(refused));
    }
    expect(house.recording.failed).toBe(true);
    await house.close();
  });
});

describe('after a failed sync', () => {
  it('who waits for it hears so, and nothing more is let through, on any worker, for good', async () => {
    const house = await openHouse({ workers: 2 });
    await oneCall(house.recorder);
    takeAway(descriptors(house, O_RDWR));
    const session = house.recorder.open(opening());
    await written(session);
    await expect(durable(session)).rejects.toThrow('not durable');
    await hasFailed(session);
    expect((await house.recording.failure).message).toContain('EBADF');
    for (const recorder of house.recorders) expect(() => recorder.open(opening())).toThrow(refused);
    await expect(house.recording.append({ type: 'config', hash: 'a'.repeat(64) })).rejects.toThrow(refused);
    expect(house.log.lines.join()).toContain('evidence cannot be kept any more');
    await house.close();
  });

  it('what was durable before it stays so', async () => {
    const house = await openHouse();
    const before = house.recorder.open(opening());
    await durable(before);
    takeAway(descriptors(house, O_RDWR));
    await expect(durable(house.recorder.open(opening()))).rejects.toThrow('not durable');
    await durable(before);
    await house.close();
  });
});

describe('after a failure of the ledger', () => {
  it('nothing more is let through', async () => {
    const house = await openHouse();
    await house.ledger.close();
    const session = house.recorder.open(opening());
    await house.recording.failure;
    await vi.waitFor(() => expect(house.recorder.failed).toBe(true));
    expect(() => house.recorder.open(opening())).toThrow(refused);
    expect(session.bytes(Buffer.from('more'))).toBe(false);
    await house.recorder.close();
    await house.recording.close();
  });
});
