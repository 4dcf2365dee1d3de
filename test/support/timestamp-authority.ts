/** A time-stamp authority for tests: `openssl ts`, which is one, behind HTTP on the loopback. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

/** Its keys. */
export type AuthorityKey = 'ec' | 'rsa';

/** A running authority. */
export interface TimestampAuthority {
  readonly url: string;
  /** Its certificate in PEM, and where that is. */
  readonly certificate: string;
  readonly file: string;
  /** What it answers from here on instead of a time-stamp; null for time-stamps. */
  fail: { readonly status: number } | 'other-request' | null;
  readonly requests: number;
  close(): void;
}

const CONFIG = `
[req]
distinguished_name = dn
[dn]
[tsa_ext]
extendedKeyUsage = critical,timeStamping
basicConstraints = CA:false
[no_ext]
extendedKeyUsage = critical,timeStamping,serverAuth
[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384
ess_cert_id_alg = sha256
`;

/** True when there is an `openssl` that makes time-stamps. */
export const hasOpenssl = (): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
};

/** Returns a certificate of one's own, as PEM, with its files. */
export function makeCertificate(folder: string, kind: AuthorityKey, extensions = 'tsa_ext'): string {
  writeFileSync(join(folder, 'tsa.cnf'), CONFIG);
  writeFileSync(join(folder, 'serial'), '01\n');
  const key = kind === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['rsa:2048'];
  const made = ['req', '-x509', '-newkey', ...key, '-nodes', '-keyout', 'tsa.key', '-out', 'tsa.crt', '-days', '30'];
  const named = ['-subj', '/CN=time.test', '-config', 'tsa.cnf', '-extensions', extensions];
  execFileSync('openssl', [...made, ...named], { cwd: folder, stdio: 'pipe' });
  return readFileSync(join(folder, 'tsa.crt'), 'utf8');
}

/** Resolves to an authority that answers. */
export async function startAuthority(kind: AuthorityKey = 'ec'): Promise<TimestampAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tsa-'));
  const certificate = makeCertificate(folder, kind);
  let requests = 0;
  let first: Buffer | null = null;
  const reply = (query: Buffer): Buffer => {
    writeFileSync(join(folder, 'query'), query);
    const files = ['-queryfile', 'query', '-signer', 'tsa.crt', '-inkey', 'tsa.key', '-out', 'reply'];
    execFileSync('openssl', ['ts', '-reply', '-config', 'tsa.cnf', ...files], { cwd: folder, stdio: 'pipe' });
    return readFileSync(join(folder, 'reply'));
  };
  const server = createServer((request, response) => {
    void buffer(request).then((query) => {
      requests++;
      first ??= query;
      if (typeof authority.fail === 'object' && authority.fail !== null) {
        return response.writeHead(authority.fail.status).end();
      }
      const asked = authority.fail === 'other-request' ? first : query;
      return response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply(asked));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('expected a port');
  const { port } = address;
  const authority: TimestampAuthority = {
    url: `http://127.0.0.1:${port}/`,
    certificate,
    file: join(folder, 'tsa.crt'),
    fail: null,
    get requests() {
      return requests;
    },
    close() {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return authority;
}
