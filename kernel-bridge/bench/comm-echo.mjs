/** How long a panel waits for the kernel while a model runs: comm messages there and back, in a real kernel. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { venvPython } from '../../scripts/paths.mjs';
import { median, quantile, report } from './measuring/report.mjs';
import { installKernelspec } from '../lib/programs/kernel/kernelspec.js';

const here = dirname(fileURLToPath(import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
try {
  installKernelspec({ dataDir: folder });
  const output = execFileSync(
    venvPython,
    [join(here, 'programs/echo.py'), join(here, '../../models/demo')],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        JUPYTER_DATA_DIR: folder,
        JUPYTER_RUNTIME_DIR: join(folder, 'runtime')
      },
      stdio: ['ignore', 'pipe', 'inherit']
    }
  );
  const { idle, during, forwards, seconds } = JSON.parse(
    output.trim().split('\n').at(-1)
  );
  const section = 'Comm echo in a real kernel';
  const detail = times =>
    `median ${median(times).toFixed(1)}, slowest ${Math.max(...times).toFixed(1)}, ${times.length} messages`;
  report(
    section,
    'while 512-token forwards run, p95',
    quantile(during, 0.95),
    'ms',
    `${detail(during)}, ${forwards} forwards in ${seconds.toFixed(0)} s`,
    { target: { atMost: 20 } }
  );
  report(section, 'at rest, p95', quantile(idle, 0.95), 'ms', detail(idle));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
