// Starts a TypeScript entry point of this repository: `node runtime/run.mjs ENTRY [ARG …]`.
// Plain old JavaScript on purpose, so that a Node that is too old gets one clear line instead of a syntax error.
const major = Number(process.versions.node.split('.')[0]);
if (major < 26) {
  console.error(
    `sallyport needs Node 26 or newer and this is ${process.version}. ` +
      'Hint: npm ci brings the right one for npm scripts on Linux, macOS (arm64, x64) and Windows; elsewhere install Node 26.',
  );
  process.exit(1);
}
const [entry] = process.argv.splice(2, 1);
const { pathToFileURL } = await import('node:url');
const { resolve } = await import('node:path');
process.argv[1] = resolve(entry);
await import(pathToFileURL(process.argv[1]).href);
