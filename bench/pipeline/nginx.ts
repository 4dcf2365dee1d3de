/** nginx as a plain reverse proxy: one worker, connections kept open both ways, answers passed on as they come. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from './child.ts';
import { CHAT, type Start } from './contenders.ts';
import { freePort } from './free-port.ts';

const config = (folder: string, port: number, upstream: number): string => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_body_buffer_size 64k;
  upstream model { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;

/** Starts nginx, when it is installed. */
export const startNginx: Start = async ({ upstream, folder }) => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
  } catch {
    return { skipped: 'nginx is not installed (Debian: apt-get install nginx-light)' };
  }
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config(folder, port, upstream));
  const child = startChild(['nginx', '-c', file, '-p', folder], { core: 'contender', silent: true });
  await sleep(500);
  return {
    name: 'nginx',
    title: 'nginx, plain reverse proxy',
    pid: child.pid,
    call: { port, path: CHAT, fields: '', expect: 'plain' },
    stop: () => child.stop(),
  };
};
