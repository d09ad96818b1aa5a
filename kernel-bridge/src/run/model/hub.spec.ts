import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/graph-builder';
import { fetchModel, type DownloadProgress } from './hub';
import { parseHubId } from './hub-names';
import { loadModel } from '../../api/load-model';

const DEMO = join(__dirname, '../../../../models/demo');
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A hub's information about a file. */
interface FileInfo extends Record<string, unknown> {
  path: string;
}

/** False answers of a hostile hub. */
interface Lies {
  commit?: unknown;
  /** In the list of files. */
  listed?: (file: FileInfo) => object;
  /** When it is asked for one file. */
  told?: (file: FileInfo) => object;
  etag?: string;
  /** Link to the next page of the list of files, by the number of the page. */
  next?: (page: number, address: string) => string | undefined;
  /** Bytes of white space in front of the list. */
  padding?: number;
  /** Never answers for the list. */
  silent?: boolean;
}

/** A server of the hub's protocol on loopback: the files of one repository, with range requests. */
class HubServer {
  readonly served: string[] = [];
  pages = 0;
  private _address = '';
  private readonly _server: Server;

  constructor(
    private readonly _folder: string,
    private readonly _lies: Lies = {}
  ) {
    this._server = createServer((request, response) =>
      this._serve(request, response)
    );
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve =>
      this._server.listen(0, '127.0.0.1', resolve)
    );
    this._address = `http://127.0.0.1:${(this._server.address() as AddressInfo).port}`;
    return this._address;
  }

  stop(): void {
    this._server.closeAllConnections();
    this._server.close();
  }

  private _serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const file = /^\/org\/demo\/resolve\/[^/]+\/(.+)$/.exec(pathname)?.[1];
    const json = (value: unknown): void => {
      if (!response.headersSent) {
        response.setHeader('content-type', 'application/json');
      }
      response.end(JSON.stringify(value));
    };
    if (pathname.startsWith('/api/models/org/demo/revision/')) {
      const { commit = COMMIT } = this._lies;
      json({ _id: '1', id: 'org/demo', sha: commit });
    } else if (pathname === `/api/models/org/demo/tree/${COMMIT}`) {
      this.pages++;
      if (this._lies.silent) {
        return;
      }
      const next = this._lies.next?.(this.pages, this._address + pathname);
      if (next !== undefined) {
        response.setHeader('link', `<${next}>; rel="next"`);
      }
      response.write(' '.repeat(this._lies.padding ?? 0));
      json(this._tree().map(this._lies.listed ?? (entry => entry)));
    } else if (pathname === `/api/models/org/demo/paths-info/${COMMIT}`) {
      let body = '';
      request.on('data', part => (body += part));
      request.on('end', () => {
        const { paths } = JSON.parse(body) as { paths: string[] };
        json(
          this._tree()
            .filter(({ path }) => paths.includes(path))
            .map(this._lies.told ?? (entry => entry))
        );
      });
    } else if (file !== undefined && readdirSync(this._folder).includes(file)) {
      this._file(file, request, response);
    } else {
      response.statusCode = 404;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ error: 'Repository not found' }));
    }
  }

  private _tree(): FileInfo[] {
    return readdirSync(this._folder, { withFileTypes: true }).map(entry => ({
      type: entry.isDirectory() ? 'directory' : 'file',
      path: entry.name,
      oid: createHash('sha1').update(entry.name).digest('hex'),
      size: entry.isFile() ? statSync(join(this._folder, entry.name)).size : 0
    }));
  }

  private _file(
    name: string,
    request: IncomingMessage,
    response: ServerResponse
  ): void {
    const bytes = readFileSync(join(this._folder, name));
    const range = /^bytes=(\d+)-(\d+)?$/.exec(request.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    const end = Math.min(
      range?.[2] === undefined ? Infinity : Number(range[2]),
      bytes.length - 1
    );
    response.setHeader(
      'etag',
      this._lies.etag ?? `"${createHash('sha1').update(bytes).digest('hex')}"`
    );
    response.setHeader('x-repo-commit', COMMIT);
    response.setHeader('accept-ranges', 'bytes');
    if (range) {
      response.statusCode = 206;
      response.setHeader(
        'content-range',
        `bytes ${start}-${end}/${bytes.length}`
      );
    } else if (request.method === 'GET') {
      this.served.push(name);
    }
    response.setHeader('content-length', end - start + 1);
    response.end(
      request.method === 'HEAD' ? undefined : bytes.subarray(start, end + 1)
    );
  }
}

describe('a model by its id', () => {
  let server: HubServer;
  let hubUrl: string;

  beforeEach(async () => {
    server = new HubServer(DEMO);
    hubUrl = await server.start();
  });
  afterEach(() => server.stop());

  it('is downloaded to the cache once, and traced from there', async () => {
    const cacheDir = temporaryFolder();
    const progress: DownloadProgress[] = [];
    const model = await loadModel('hf:org/demo', {
      hubUrl,
      cacheDir,
      onDownload: step => progress.push(step)
    });
    const trace = await model.trace('def fib(n):');
    expect(trace.coverage).toMatchObject({ moeLayers: 6, layersCaptured: 6 });
    await model.dispose();
    expect(new Set(server.served)).toEqual(
      new Set([
        'model.onnx',
        'config.json',
        'generation_config.json',
        'tokenizer.json'
      ])
    );
    const last = progress[progress.length - 1];
    expect(last.received).toBe(last.total);
    expect(
      progress.every(
        ({ received }, i) => i === 0 || received >= progress[i - 1].received
      )
    ).toBe(true);

    server.served.length = 0;
    await fetchModel('hf:org/demo', { hubUrl, cacheDir });
    expect(server.served).toEqual([]);
  });

  it('that does not exist is an error that names it', async () => {
    await expect(
      fetchModel('hf:org/other', { hubUrl, cacheDir: temporaryFolder() })
    ).rejects.toMatchObject({
      code: 'model-not-found',
      where: 'hf:org/other@main'
    });
  });

  it.each([
    'hf:',
    'hf:/',
    'hf:..',
    'hf:.',
    'hf:../x',
    'hf:org/..',
    'hf:org/../x',
    'hf:../../etc/passwd',
    'hf:/etc/passwd',
    'hf:org/name/more',
    'hf:org\\..\\x',
    'hf:org/na me',
    'hf:org/name\0',
    'hf:org/a--b',
    'hf:.hidden/name',
    'hf:org/x@',
    'hf:org/x@..',
    'hf:org/x@../../main',
    'hf:org/x@main/../../y',
    'hf:org/x@/main',
    'hf:org/x@main/',
    'hf:org/x@main//y',
    'hf:org/x@ma..in',
    'hf:org/x@.main',
    'hf:org/x@main\\y',
    'hf:org/x@C:main'
  ])('cannot be %j', async id => {
    await expect(fetchModel(id, { hubUrl })).rejects.toMatchObject({
      code: 'input',
      where: id
    });
  });

  it.each([
    ['hf:org/name', 'org/name', 'main'],
    ['hf:gpt2', 'gpt2', 'main'],
    ['hf:org/Name_1.5-B', 'org/Name_1.5-B', 'main'],
    ['hf:org/name@v1.0', 'org/name', 'v1.0'],
    ['hf:org/name@refs/pr/1', 'org/name', 'refs/pr/1'],
    [`hf:org/name@${COMMIT}`, 'org/name', COMMIT]
  ])('can be %s', (id, name, revision) => {
    expect(parseHubId(id)).toEqual({ name, revision });
  });

  it('reports an unreachable hub', async () => {
    server.stop();
    await expect(
      fetchModel('hf:org/demo', { hubUrl, cacheDir: temporaryFolder() })
    ).rejects.toMatchObject({
      code: 'environment',
      hint: expect.stringContaining('HF_ENDPOINT') as string
    });
  });
});

describe('a hub that lies', () => {
  const AWAY = '../../../../escaped';

  /** Downloads from such a hub. @returns the error, and what was written outside the model's folder */
  async function fetchFrom(lies: Lies) {
    const root = temporaryFolder();
    const server = new HubServer(DEMO, lies);
    const hubUrl = await server.start();
    try {
      const cacheDir = join(root, 'a', 'b', 'cache');
      const ended = await fetchModel('hf:org/demo', { hubUrl, cacheDir }).then(
        () => 'fetched',
        (error: unknown) => error
      );
      const model = join('a', 'b', 'cache', 'models--org--demo');
      const outside = readdirSync(root, { recursive: true })
        .map(String)
        .filter(path => !model.startsWith(path) && !path.startsWith(model));
      return { ended, outside };
    } finally {
      server.stop();
    }
  }

  it.each<[string, Lies]>([
    ['the hash of a file', { told: file => ({ ...file, oid: AWAY }) }],
    [
      'the hash of a large file',
      { told: file => ({ ...file, lfs: { oid: AWAY, size: 1 } }) }
    ],
    ['the hash of Xet', { told: file => ({ ...file, xetHash: AWAY }) }],
    [
      'a last commit',
      { told: file => ({ ...file, lastCommit: { id: AWAY, title: '' } }) }
    ],
    ['a hash that is not text', { told: file => ({ ...file, oid: [AWAY] }) }],
    [
      'a hash with a Windows drive',
      { told: file => ({ ...file, oid: 'C:escaped' }) }
    ],
    ['a commit', { commit: AWAY }],
    ['a commit of other digits', { commit: 'main' }],
    ['a commit that is not text', { commit: { toString: AWAY } }],
    ['no commit', { commit: null }],
    ...[
      AWAY,
      'onnx/../../escaped',
      '..',
      '.. /escaped',
      '/escaped',
      'onnx//escaped',
      './escaped',
      'C:escaped',
      'onnx/c:/escaped',
      '..\\escaped',
      '\\\\host\\share',
      'model\0.onnx',
      ''
    ].map((path): [string, Lies] => [
      `a file called ${JSON.stringify(path)}`,
      {
        listed: file => (file.path === 'truth.json' ? { ...file, path } : file)
      }
    ]),
    [
      'a file whose name is not text',
      { listed: file => ({ ...file, path: [file.path] }) }
    ]
  ])(
    'about %s is rejected, and nothing is written elsewhere',
    async (_, lies) => {
      const { ended, outside } = await fetchFrom(lies);
      expect(outside).toEqual([]);
      expect(ended).toMatchObject({
        code: 'model-invalid',
        message: expect.stringMatching(/^the hub answers with a/) as string
      });
    }
  );

  it('about an etag writes nothing elsewhere, since it names no file', async () => {
    expect(await fetchFrom({ etag: `"${AWAY}"` })).toEqual({
      ended: 'fetched',
      outside: []
    });
  });

  it.each<[string, Lies, RegExp, number]>([
    [
      'that begins again',
      { next: (_, address) => `${address}?recursive=true&expand=false` },
      /list of files without an end/,
      1
    ],
    [
      'without an end',
      { next: (page, address) => `${address}?cursor=${page}` },
      /list of files without an end/,
      200
    ],
    [
      'that goes on elsewhere',
      { next: () => 'http://localhost:9/steals-the-token' },
      /links to another server/,
      1
    ],
    ['that is huge', { padding: 33 << 20 }, /more than 32 MB/, 1]
  ])('about a list %s is rejected', async (_, lies, message, pages) => {
    const server = new HubServer(DEMO, lies);
    const hubUrl = await server.start();
    try {
      await expect(
        fetchModel('hf:org/demo', { hubUrl, cacheDir: temporaryFolder() })
      ).rejects.toMatchObject({
        code: 'model-invalid',
        message: expect.stringMatching(message) as string
      });
      expect(server.pages).toBe(pages);
    } finally {
      server.stop();
    }
  });

  it('that has several pages of files is read whole', async () => {
    const server = new HubServer(DEMO, {
      next: (page, address) =>
        page < 3 ? `${address}?cursor=${page}` : undefined
    });
    const hubUrl = await server.start();
    await fetchModel('hf:org/demo', { hubUrl, cacheDir: temporaryFolder() });
    server.stop();
    expect(server.pages).toBe(3);
  });

  it('that does not answer can be left', async () => {
    const server = new HubServer(DEMO, { silent: true });
    const hubUrl = await server.start();
    const abort = new AbortController();
    const fetched = fetchModel('hf:org/demo', {
      hubUrl,
      cacheDir: temporaryFolder(),
      signal: abort.signal
    });
    setTimeout(() => abort.abort(), 200);
    await expect(fetched).rejects.toMatchObject({ code: 'cancelled' });
    server.stop();
  });
});
