/** Learns the methods and messages of a gRPC server from the server itself, by reflection. */

import { create } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { FrameSplitter, frameOf, messageOf } from '../../protocol/grpc/grpc.ts';
import type { GrpcCodec } from '../../protocol/grpc/codec.ts';
import { describedCodec } from '../../protocol/grpc/descriptors.ts';
import {
  readReflectionAnswer,
  REFLECTION_PATHS,
  type ReflectionAnswer,
  type ReflectionQuestion,
  reflectionRequest,
} from '../../protocol/grpc/reflection.ts';
import { Failure } from '../../reasons.ts';
import { grpcRequestFields } from './fields.ts';
import type { GrpcUpstream } from './upstream.ts';

/** Bounds on what a server may say of itself. */
const LONGEST_ANSWER = 16 * 1024 ** 2;
const MOST_FILES = 2_000;

/** Resolves to the codec of everything that the server says it has, within `timeout` ms. Rejects with Failure `upstream-unreachable`. */
export async function learnCodec(upstream: GrpcUpstream, timeout: number): Promise<GrpcCodec> {
  let last: unknown = null;
  for (const path of REFLECTION_PATHS) {
    const conversation = new Conversation(upstream, path, timeout);
    try {
      return describedCodec(await filesOf(conversation));
    } catch (cause) {
      last = cause;
    } finally {
      conversation.close();
    }
  }
  throw new Failure('upstream-unreachable', 'the upstream does not describe itself by reflection', { cause: last });
}

/** Resolves to the files of all services, each behind those that it imports. */
async function filesOf(conversation: Conversation) {
  const files = new Map<string, FileDescriptorProto>();
  const keep = (answer: ReflectionAnswer): void => {
    for (const file of answer.files) files.set(file.name, file);
    if (files.size > MOST_FILES) throw new Error(`expected at most ${MOST_FILES} files`);
  };
  const { services } = await conversation.ask({ about: 'services', name: '' });
  for (const name of services) keep(await conversation.ask({ about: 'symbol', name }));
  for (let missing = firstMissing(files); missing !== null; missing = firstMissing(files)) {
    const answer = await conversation.ask({ about: 'file', name: missing });
    if (!answer.files.some(({ name }) => name === missing)) throw new Error('expected the file that was asked for');
    keep(answer);
  }
  return create(FileDescriptorSetSchema, { file: inOrder(files) });
}

function firstMissing(files: ReadonlyMap<string, FileDescriptorProto>): string | null {
  for (const { dependency } of files.values()) for (const name of dependency) if (!files.has(name)) return name;
  return null;
}

function inOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto, above: readonly string[]): void => {
    if (ordered.has(file) || above.includes(file.name)) return;
    for (const name of file.dependency) {
      const imported = files.get(name);
      if (imported !== undefined) add(imported, [...above, file.name]);
    }
    ordered.add(file);
  };
  for (const file of files.values()) add(file, []);
  return [...ordered];
}

/** One reflection stream: a question, then its answer. */
class Conversation {
  readonly #stream: ClientHttp2Stream;
  readonly #splitter = new FrameSplitter({
    longest: LONGEST_ANSWER,
    tooLong: 'upstream-failed',
    malformed: 'upstream-failed',
  });
  readonly #timer: NodeJS.Timeout;
  #waiting: PromiseWithResolvers<ReflectionAnswer> | null = null;
  #failure: Error | null = null;

  constructor(upstream: GrpcUpstream, path: string, timeout: number) {
    const fields = ['content-type', 'application/grpc'];
    const head = grpcRequestFields(['Host', '', ...fields], upstream, { path, reads: true, timeout: null });
    this.#stream = upstream.sessions.request(head, false).stream;
    this.#stream
      .on('data', (chunk: Buffer) => this.#onData(chunk))
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#fail(new Error('the stream ended')));
    this.#timer = setTimeout(() => this.#fail(new Error('no answer in time')), timeout);
  }

  ask(question: ReflectionQuestion): Promise<ReflectionAnswer> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#waiting = Promise.withResolvers();
    this.#stream.write(frameOf(reflectionRequest(question)));
    return this.#waiting.promise;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #onData(chunk: Buffer): void {
    try {
      for (const frame of this.#splitter.push(chunk)) {
        if (frame.compressed) throw new Error('expected an uncompressed answer');
        this.#waiting?.resolve(readReflectionAnswer(messageOf(frame)));
        this.#waiting = null;
      }
    } catch (cause) {
      this.#fail(cause instanceof Error ? cause : new Error('the answer cannot be read'));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
  }
}
