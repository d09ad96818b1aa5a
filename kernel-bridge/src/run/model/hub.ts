/** Downloads models by id, `hf:org/name`, to Hugging Face's own cache, only the files that are needed. */
import { createRequire } from 'node:module';
import { basename, dirname, posix } from 'node:path';
import { MoEDebuggerError } from '../../base/errors';
import { externalReference, tensorsOf } from '../../onnx/file/external-data';
import {
  embeddingFiles,
  takesEmbeddings
} from '../../onnx/file/join-embeddings';
import { chooseModelFile } from '../../onnx/file/locate';
import { decodeModelProto } from '../../onnx/file/schema';
import { readSkeleton } from '../../onnx/file/skeleton';
import { isExternal } from '../../onnx/file/tensor';
import {
  checkCommit,
  checkFileName,
  checkHashes,
  parseHubId
} from './hub-names';
import type * as Hub from '@huggingface/hub';

// Programs that load from disk do not load it.
const load = createRequire(__filename);

export interface HubOptions {
  /** Address of the hub. Default HF_ENDPOINT, or Hugging Face's. */
  hubUrl?: string;
  /** For private and gated models. Default HF_TOKEN. */
  accessToken?: string;
  /** Default HF_HUB_CACHE, or the `hub` folder of HF_HOME. */
  cacheDir?: string;
  /** Called as bytes arrive. */
  onDownload?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
}

/** Pages of a list of files; the hub has a thousand files on one. */
const MAX_PAGES = 200;
/** Bytes of an answer that describes a model: a page of a thousand files takes less than one of these. */
const MAX_ANSWER = 32 << 20;
/** An answer that describes a model is small, so a hub that is silent for so long is gone. */
const ANSWER_MILLISECONDS = 60_000;

export interface DownloadProgress {
  file: string;
  /** Bytes of all files so far, and of all files known to be needed. */
  received: number;
  total: number;
}

/** Files beside the graph that are used if they exist. */
const COMPANIONS = [
  'config.json',
  'generation_config.json',
  'genai_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja'
];

/**
 * Downloads a model to the cache; files that are already there are not downloaded again.
 *
 * @param id `hf:org/name`, or `hf:org/name@revision`
 * @returns the folder of the snapshot
 * @throws MoEDebuggerError 'model-not-found' when the hub has no such model, or it has no graph; 'environment' when
 * the hub is unreachable; 'model-invalid' when its answer contains invalid names
 */
export async function fetchModel(
  id: string,
  options: HubOptions = {}
): Promise<string> {
  const { name, revision } = parseHubId(id);
  return new Download(name, revision, options).run();
}

class Download {
  private readonly _hub = load('@huggingface/hub') as typeof Hub;
  private readonly _sizes = new Map<string, number>();
  private _received = 0;
  private _total = 0;
  /** The commit of the revision: all its files are in one snapshot. */
  private _commit?: string;

  constructor(
    private readonly _name: string,
    private readonly _revision: string,
    private readonly _options: HubOptions
  ) {}

  async run(): Promise<string> {
    await this._list();
    const graph = chooseModelFile([...this._sizes.keys()], `hf:${this._name}`);
    const companions = COMPANIONS.filter(file => this._sizes.has(file));
    this._total = this._bytes([graph, ...companions]);
    const path = await this._file(graph);
    for (const file of companions) {
      await this._file(file);
    }
    const embeddings = await this._embeddingsOf(path, graph);
    const weights = [
      ...this._weightsOf(path, graph),
      ...embeddings.flatMap(own => this._weightsOf(own.path, own.graph))
    ];
    this._total += this._bytes(weights);
    for (const file of weights) {
      await this._file(file);
    }
    return graph.split('/').reduce(folder => dirname(folder), path);
  }

  /** The model that embeds the tokens of a decoder which takes embeddings. */
  private async _embeddingsOf(
    path: string,
    graph: string
  ): Promise<{ path: string; graph: string }[]> {
    const { graph: decoder } = decodeModelProto(readSkeleton(path));
    const folder = posix.dirname(graph);
    const [file] =
      decoder && takesEmbeddings(decoder)
        ? embeddingFiles(
            graph,
            [...this._sizes.keys()]
              .filter(name => posix.dirname(name) === folder)
              .map(name => posix.basename(name))
          ).map(name => posix.join(folder, posix.basename(name)))
        : [];
    if (file === undefined) {
      return [];
    }
    this._total += this._bytes([file]);
    return [{ path: await this._file(file), graph: file }];
  }

  private async _list(): Promise<void> {
    const where = `hf:${this._name}@${this._revision}`;
    try {
      const ask = this._asker(where);
      const { sha } = await this._hub.modelInfo({
        ...this._request(),
        name: this._name,
        additionalFields: ['sha'],
        fetch: ask
      });
      this._commit = checkCommit(sha, where);
      const files = this._hub.listFiles({
        ...this._request(),
        recursive: true,
        fetch: ask
      });
      for await (const { type, path, size } of files) {
        if (type === 'file') {
          this._sizes.set(checkFileName(path, where), size);
        }
      }
    } catch (error) {
      throw this._refusal(error, where);
    }
  }

  /**
   * A `fetch` for what describes the model. The hub links to the next page of a list: the library follows any link, for
   * ever, and sends the access token there.
   */
  private _asker(where: string): typeof fetch {
    const asked = new Set<string>();
    let origin: string | undefined;
    return async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      origin ??= new URL(url).origin;
      if (new URL(url).origin !== origin) {
        throw lying('links to another server', where);
      }
      if (asked.has(url) || asked.size > MAX_PAGES) {
        throw lying('has a list of files without an end', where);
      }
      asked.add(url);
      const timeout = AbortSignal.timeout(ANSWER_MILLISECONDS);
      const { signal } = this._options;
      const response = await fetch(input, {
        ...init,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout
      });
      return new Response(await limited(response, where), {
        status: response.status,
        statusText: response.statusText,
        headers: response.headers
      });
    };
  }

  /** External data of the graph, which only the graph names. */
  private _weightsOf(path: string, graph: string): string[] {
    const model = decodeModelProto(readSkeleton(path));
    const files = new Set<string>();
    for (const tensor of model.graph ? tensorsOf(model.graph) : []) {
      // The skeleton names the graph's own file for weights that are inside it.
      const { location } = isExternal(tensor)
        ? externalReference(tensor)
        : { location: basename(path) };
      const file = posix.normalize(posix.join(posix.dirname(graph), location));
      // Paths that leave the folder are rejected when the model is read.
      if (location !== basename(path) && this._sizes.has(file)) {
        files.add(file);
      }
    }
    return [...files];
  }

  private async _file(path: string): Promise<string> {
    const before = this._received;
    // The library logs each file to stdout, which belongs to the caller.
    const { debug } = console;
    console.debug = () => undefined;
    try {
      const file = await this._hub.downloadFileToCacheDir({
        ...this._request(),
        path,
        fetch: (input, init) => this._fetch(path, input, init)
      });
      // A file that was already in the cache counts as received.
      this._received = before + (this._sizes.get(path) ?? 0);
      this._tell(path);
      return file;
    } catch (error) {
      throw this._refusal(error, path);
    } finally {
      console.debug = debug;
    }
  }

  private async _fetch(
    file: string,
    input: string | URL | Request,
    init?: RequestInit
  ): Promise<Response> {
    const response = await fetch(input, {
      ...init,
      ...(this._options.signal ? { signal: this._options.signal } : {})
    });
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (response.ok && this._isFileInfo(pathname)) {
      // The library joins these hashes to paths without validation.
      const answer = (await limited(response, file)) ?? new Blob([]);
      const files: unknown = JSON.parse(await answer.text());
      checkHashes(files, file);
      return Response.json(files);
    }
    const { body } = response;
    // Count only content; a request for the first byte asks for the size.
    const isContent =
      pathname.includes('/resolve/') &&
      new Headers(init?.headers).get('range') !== 'bytes=0-0';
    if (body && isContent && this._options.onDownload) {
      const counted = body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk, controller) => {
            this._received += chunk.byteLength;
            this._tell(file);
            controller.enqueue(chunk);
          }
        })
      );
      return Object.defineProperty(new Response(counted, response), 'url', {
        value: response.url
      });
    }
    return response;
  }

  private _isFileInfo(pathname: string): boolean {
    return pathname.endsWith(
      `/api/models/${this._name}/paths-info/${this._commit}`
    );
  }

  private _tell(file: string): void {
    const total = this._total;
    this._options.onDownload?.({
      file,
      received: Math.min(this._received, total),
      total
    });
  }

  private _bytes(files: readonly string[]): number {
    return files.reduce((sum, file) => sum + (this._sizes.get(file) ?? 0), 0);
  }

  private _request() {
    const {
      hubUrl = process.env.HF_ENDPOINT,
      accessToken = process.env.HF_TOKEN,
      cacheDir
    } = this._options;
    return {
      repo: { type: 'model' as const, name: this._name },
      revision: this._commit ?? this._revision,
      ...(hubUrl ? { hubUrl } : {}),
      ...(accessToken ? { accessToken } : {}),
      ...(cacheDir ? { cacheDir } : {})
    };
  }

  private _refusal(error: unknown, where: string): MoEDebuggerError {
    if (error instanceof MoEDebuggerError) {
      return error;
    }
    const { statusCode } = error as { statusCode?: number };
    const cause = error instanceof Error ? error : undefined;
    if (this._options.signal?.aborted) {
      return new MoEDebuggerError('cancelled', 'the download was cancelled', {
        where,
        hint: 'the received part is kept; load the model again to continue',
        cause
      });
    }
    if (statusCode === 404 || statusCode === 401 || statusCode === 403) {
      return new MoEDebuggerError(
        'model-not-found',
        statusCode === 404
          ? 'the hub has no such model'
          : 'the hub does not give access to this model',
        {
          where,
          hint: 'check the id; for a private or gated model set HF_TOKEN',
          cause
        }
      );
    }
    return new MoEDebuggerError(
      'environment',
      `the model could not be downloaded: ${cause?.message ?? String(error)}`,
      {
        where,
        hint: 'check the network and HF_ENDPOINT, or give a folder on disk',
        cause
      }
    );
  }
}

/** The body of an answer, as long as it may be. */
async function limited(
  { body }: Response,
  where: string
): Promise<Blob | undefined> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER) {
      throw lying(`answers with more than ${MAX_ANSWER >> 20} MB`, where);
    }
    parts.push(part);
  }
  return body ? new Blob(parts) : undefined;
}

function lying(how: string, where: string): MoEDebuggerError {
  return new MoEDebuggerError('model-invalid', `the hub ${how}`, {
    where,
    hint: 'check HF_ENDPOINT, or give a folder on disk'
  });
}
