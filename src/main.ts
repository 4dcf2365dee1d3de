#!/usr/bin/env node
/** The bin: hands argv to the command line. */

import process from 'node:process';

const NEEDED = 26;

// Everything else is imported after this check, so that an old Node gets one clear line instead of a failed import.
if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  process.stderr.write(
    `error: sallyport needs Node ${NEEDED} or newer and this is ${process.version}\n` +
      'hint: https://nodejs.org/en/download has it; in a clone of the repository, npm scripts bring their own\n',
  );
  process.exit(2);
}

// A reader that has seen enough (`| head`) closes the pipe; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { run } = await import('./cli/cli.ts');
process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
});
