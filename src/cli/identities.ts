/** What a command opens recordings with: the key of the config, and identities that the gateway does not have. */

import { Option } from 'commander';
import type { LoadedConfig } from '../config/file.ts';
import { ageIdentities } from '../record/age.ts';
import { kmsEndpoints, kmsIdentity } from '../record/aws-kms.ts';
import type { Identity } from '../record/key-envelope.ts';
import { KeyRing } from '../record/key-ring.ts';
import { pageTag } from '../record/page-tag.ts';
import type { SessionRow } from '../store/sessions.ts';
import { readRecordingKey } from '../config/secrets.ts';
import { CliError, EXIT } from './exit.ts';
import type { Io } from './io.ts';
import { readInput } from './ledger-keys.ts';
import { dataFolder } from './sessions-files.ts';

/** What a command is told of identities. */
export interface WithIdentity {
  readonly identity?: readonly string[];
  /** With what masking took away. */
  readonly original?: true;
}

/** What stands for the credentials of AWS that the command finds around it. */
const AWS_KMS = 'aws-kms';

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

/** Returns `--identity`, for every command that opens recordings. */
export const identityOption = (): Option =>
  new Option(
    '--identity <identity>',
    `an age identity file, or ${AWS_KMS} for your own AWS credentials; may be given again`,
  )
    .argParser(collect)
    .env('SALLYPORT_IDENTITY');

/** Returns `--original`, for commands that show recordings. */
export const originalOption = (): Option =>
  new Option('--original', 'as it was before masking; takes the identity of `recording.originals`');

/** Returns the identities that a command is given; none when it is given none. Throws CliError. */
export function identitiesIn(
  io: Io,
  { config: { recording } }: LoadedConfig,
  { identity = [] }: WithIdentity,
): readonly Identity[] {
  return identity.flatMap((each) => {
    if (each !== AWS_KMS) return fileIdentities(io, each);
    const named = [...recording.recipients, ...recording.originals];
    return [kmsIdentity(kmsEndpoints(named.filter((one) => typeof one !== 'string')))];
  });
}

function fileIdentities(io: Io, file: string): readonly Identity[] {
  try {
    return ageIdentities(readInput(io, file).toString('utf8'));
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(EXIT.usage, `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Resolves to the recording keys that this command can unwrap. Throws CliError. */
export const keyRing = (io: Io, loaded: LoadedConfig, options: WithIdentity = {}): Promise<KeyRing> =>
  openRing(io, loaded, options);

/** Resolves to the same for one session: a key service is asked for no other key. Throws CliError. */
export function keyRingFor(io: Io, loaded: LoadedConfig, options: WithIdentity, row: SessionRow): Promise<KeyRing> {
  let tag = '';
  try {
    tag = pageTag(dataFolder(loaded), row);
  } catch {
    // whoever reads the session says what is wrong with its journal
  }
  return openRing(io, loaded, options, tag);
}

async function openRing(io: Io, loaded: LoadedConfig, options: WithIdentity, only?: string): Promise<KeyRing> {
  const root = readRecordingKey(loaded.config.recording.key, loaded.baseDir, { env: io.env });
  const folder = dataFolder(loaded);
  try {
    return await KeyRing.open(folder, root, identitiesIn(io, loaded, options), only);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(EXIT.found, `the recording keys in ${folder} cannot be opened: ${message}`, {
      hint: 'is recording.key the key that they were made under?',
      cause,
    });
  }
}
