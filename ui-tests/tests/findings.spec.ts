import { expect, test } from '@jupyterlab/galata';
import { KERNEL_NAME, toolDocument } from 'moe-debugger/protocol';
import { emptyNotebook, notebookWith, viewBundle } from '../fixtures/notebooks';
import { openNotebook, openWithoutKernel } from '../fixtures/open-notebook';
import { printed } from '../fixtures/printed';
import { WorkbenchPage } from '../fixtures/workbench-page';

// Galata's mock of the kernels API does not end kernels.
test.use({ kernels: null, sessions: null });
test.afterEach(({ page }) =>
  page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll())
);

const LOAD =
  "import { diagnose, loadModel } from 'moe-debugger';\n" +
  "const model = await loadModel('../models/demo');\n";
const VIEW = '.jp-Notebook .moe-FindingsView';

interface Told {
  layer: number;
  experts: number[];
  message: string;
  evidence: { tokens: { count: number }[] };
}

test('a diagnosis lists its findings, and Enter opens the evidence of one', async ({
  page,
  tmpPath
}) => {
  await openNotebook(
    page,
    `${tmpPath}/findings.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      `${LOAD}const found = await model.diagnose();\nfound`,
      'console.log(JSON.stringify(found.findings));'
    ])
  );
  await page.notebook.runCell(0);
  const view = page.locator(VIEW);
  const items = view.getByRole('list', { name: 'Findings' }).locator('> li');
  await expect(items).not.toHaveCount(0);
  const [findings] = await printed<Told[]>(page, 1);
  expect(await items.locator('.moe-Finding-message').allTextContents()).toEqual(
    findings.map(({ message }) => message)
  );
  await expect(view).toContainText('weights of 6 of them');

  const head = items.first().getByRole('button').first();
  await head.focus();
  await page.keyboard.press('Enter');
  await expect(head).toHaveAttribute('aria-expanded', 'true');
  await expect(
    items.first().getByRole('list', { name: 'Tokens' }).getByRole('listitem')
  ).toHaveCount(findings[0].evidence.tokens.length);
  await expect(items.first()).toContainText('Suggestions');
  await page.keyboard.press('Enter');
  await expect(head).toHaveAttribute('aria-expanded', 'false');

  const notes = view.getByRole('button', { name: /\d+ notes?/ });
  await notes.click();
  await expect(notes).toHaveAttribute('aria-pressed', 'false');
  await expect(items).toHaveCount(0);
});

test('MoE DevTools diagnose the chosen trace, and list the tokens of a finding', async ({
  page,
  tmpPath
}) => {
  const workbench = new WorkbenchPage(page);
  await openNotebook(
    page,
    `${tmpPath}/panel.ipynb`,
    emptyNotebook(KERNEL_NAME, [
      LOAD,
      // Enough new text for classes of tokens to be significant: what is repeated does not count.
      `const names = ['count', 'total', 'width', 'index', 'buffer', 'offset', 'limit', 'queue', 'parent', 'cursor', 'matrix', 'signal'];
const trace = await model.trace(names.map((name, i) => \`if (\${name} > \${i}) { return \${names[(i + 5) % 12]}[\${i * 3 + 1}]; } // The \${names[(i + 2) % 12]}, the \${names[(i + 7) % 12]} and \${i + 12} others.\`));
console.log(JSON.stringify(diagnose(trace).findings));`
    ])
  );
  const section = await workbench.open('findings');
  await expect(section).toContainText('No model is loaded');
  await page.notebook.activate('panel.ipynb');
  await page.notebook.runCell(0);
  const [findings] = await printed<Told[]>(page, 1);
  expect(findings.length).toBeGreaterThan(0);
  await expect(section).toContainText('Press Diagnose');
  await section.getByRole('button', { name: 'Diagnose' }).click();
  const items = section.getByRole('list', { name: 'Findings' }).locator('> li');
  await expect(items).toHaveCount(findings.length);
  expect(await items.locator('.moe-Finding-message').allTextContents()).toEqual(
    findings.map(({ message }) => message)
  );
  await expect(section).toContainText('weights of 6 of them');

  const last = findings.length - 1;
  await items.nth(last).getByRole('button').first().click();
  await items
    .nth(last)
    .getByRole('button', { name: `Show layer ${findings[last].layer}` })
    .click();
  const { layer, experts } = findings[last];
  await expect(
    workbench.root.getByRole('combobox', { name: 'Filter tokens' })
  ).toHaveValue(
    experts.length > 0
      ? `expert:${experts.map(expert => `${layer}:${expert}`).join(',')}`
      : `layer:${layer}`
  );
  await expect(workbench.address).toContainText(`layer ${layer}`);
});

test('untrusted findings are shown as text, without a kernel', async ({
  page,
  tmpPath
}) => {
  const attack =
    '<img src="http://127.0.0.1:9/x.png" onerror="window.hacked=1">';
  const state = (severity: string) => ({
    running: false,
    omitted: 0,
    found: {
      tokens: 5,
      samples: 1,
      coverage: { routers: 1, routersWithWeights: 0 },
      undecided: [],
      findings: [
        {
          kind: attack,
          severity,
          layer: 0,
          experts: [1],
          metric: attack,
          formula: attack,
          value: 1,
          threshold: null,
          message: attack,
          evidence: {
            [attack]: attack,
            tokens: [{ sample: attack, position: 0, id: 1, text: attack }]
          },
          suggestions: [{ action: 'inspect', text: attack }]
        }
      ]
    }
  });
  await openWithoutKernel(
    page,
    `${tmpPath}/untrusted.ipynb`,
    notebookWith(
      viewBundle(toolDocument('findings', attack, state('error'))),
      viewBundle(toolDocument('findings', 'm', state(attack)))
    )
  );
  const view = page.locator(VIEW);
  await view.locator('.moe-Finding-head').click();
  await expect(view.locator('.moe-Finding-evidence')).toContainText(attack);
  await expect(view.locator('img')).toHaveCount(0);
  await expect(page.getByRole('alert')).toContainText('severity');
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
});
