import { test } from '@jupyterlab/galata';
test.use({ kernels: null, sessions: null });
test.setTimeout(180000);
test('look', async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.notebook.openByPath('notebooks/quickstart.ipynb');
  await page.notebook.activate('quickstart.ipynb');
  await page.sidebar.close('left');
  await page.notebook.run();
  page.on('console', m => { if (m.type() === 'error') console.log('ERR', m.text().slice(0, 400)); });
  await page.evaluate(() => window.jupyterapp.commands.execute('jupyterlab-moe-debugger:open-devtools').then(() => undefined));
  await page.waitForTimeout(6000);
  await page.screenshot({ path: '/tmp/pics15/first.png' });
  // choose the trace of seven domains
  const n = await page.evaluate(() => document.querySelectorAll('.moe-Workbench').length);
  console.log('workbenches', n);
  await page.evaluate(() => window.jupyterapp.commands.execute('jupyterlab-moe-debugger:open-panel'));
  await page.waitForTimeout(2000);
  const traces = page.locator('.moe-TracesPanel li');
  console.log(await traces.allTextContents());
  console.log(JSON.stringify(await page.evaluate(() => ['.moe-Panel', '.moe-Panel .jp-SidePanel-header', '.moe-Panel .jp-SidePanel-toolbar', '.moe-Panel .lm-AccordionPanel', '.moe-Panel .moe-TracesPanel', '.moe-Panel .moe-ModelsPanel'].map(s => { const e = document.querySelector(s); const r = e?.getBoundingClientRect(); return [s, r?.top, r?.height, e && getComputedStyle(e).flex, e && getComputedStyle(e).minHeight, (e as HTMLElement | null)?.style.cssText]; }))));
  const t = traces.filter({ hasText: /samples/ }).first();
  if (await t.count()) { await t.getByRole('button').click({ timeout: 5000 }); }
  await page.screenshot({ path: '/tmp/pics15/panel.png' }); await page.sidebar.close('right');
  await page.waitForTimeout(4000);
  await page.screenshot({ path: '/tmp/pics15/overview.png' });
  const step = page.getByRole('button', { name: 'See its tokens' }).first();
  if (await step.count()) { await step.click(); } else { await page.getByRole('tab', { name: 'Network' }).click(); }
  await page.waitForTimeout(2500);
  await page.screenshot({ path: '/tmp/pics15/network.png' });
  await page.locator('.moe-TokenTable-row').nth(5).locator('.moe-mod-token').click();
  await page.waitForTimeout(1500);
  await page.screenshot({ path: '/tmp/pics15/detail.png' });
  await page.locator('.moe-TokenTable').focus();
  await page.keyboard.press('ArrowDown'); await page.keyboard.press('ArrowRight');
  await page.waitForTimeout(1000);
  await page.getByRole('tab', { name: 'Heatmap' }).click();
  await page.waitForTimeout(2500);
  await page.screenshot({ path: '/tmp/pics15/heatmap.png' });
  for (const tab of ['Lens', 'Experiments', 'Measures', 'Findings']) {
    const own = page.getByRole('tab', { name: tab });
    if (await own.count()) { await own.first().click(); await page.waitForTimeout(2500); await page.screenshot({ path: `/tmp/pics15/${tab}.png` }); } else console.log('no tab', tab);
  }
  await page.theme.setDarkTheme();
  await page.getByRole('tab', { name: 'Overview' }).click();
  await page.waitForTimeout(1500);
  await page.screenshot({ path: '/tmp/pics15/overview-dark.png' });
  await page.getByRole('tab', { name: 'Network' }).click();
  await page.getByRole('tab', { name: 'Table', exact: true }).click();
  await page.waitForTimeout(1500);
  await page.screenshot({ path: '/tmp/pics15/network-dark.png' });
  await page.setViewportSize({ width: 460, height: 800 });
  await page.waitForTimeout(1500);
  await page.screenshot({ path: '/tmp/pics15/narrow.png' });
});
