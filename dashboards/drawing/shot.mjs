// Draws a dashboard and keeps a picture: node shot.mjs PROMETHEUS_URL PICTURE.png [dashboard=readiness] [seconds=3600] [rows=FIRST,LAST] [width=1600] [migration=REGEXP] [mode=dark]
import { chromium } from 'playwright-core';
import { preview } from 'vite';
const [prometheus, picture, ...rest] = process.argv.slice(2);
const query = new URLSearchParams([['prometheus', prometheus], ...rest.map((r) => r.split('='))]);
const server = await preview({ preview: { port: 0, host: '127.0.0.1' } });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
const page = await browser.newPage({ viewport: { width: Number(query.get('width') ?? 1600), height: 4000 }, deviceScaleFactor: Number(query.get('scale') ?? 1) });
const errors = [];
page.on('pageerror', (e) => errors.push(String(e)));
await page.goto(`${server.resolvedUrls.local[0]}?${query}`);
await page.waitForSelector('#dashboard', { timeout: 60000 });
await page.waitForFunction(() => document.querySelectorAll('[data-loading]').length === 0, null, { timeout: 60000 });
await page.waitForTimeout(500);
for (const e of await page.$$eval('[data-error]', (all) => all.map((e) => e.closest('[data-panel]').dataset.panel + ': ' + e.textContent))) errors.push(e);
// A cell whose text does not fit.
for (const e of await page.$$eval('[role=gridcell], [role=columnheader]', (cells) => cells
  .filter((c) => {
    const text = document.createRange();
    text.selectNodeContents(c);
    const all = [...text.getClientRects()], cell = c.getBoundingClientRect();
    return all.some((r) => r.left < cell.left - 1 || r.right > cell.right + 1);
  })
  .map((c) => `${c.closest('[data-panel]').dataset.panel}: clipped: ${c.innerText}`))) errors.push(e);
await (await page.$('#dashboard')).screenshot({ path: picture });
const texts = await page.$$eval('[data-panel]', (all) => all.map((e) => e.innerText.replace(/\s+/g, ' ').slice(0, 1000)));
console.log(texts.join('\n'));
for (const e of errors) console.error('error:', e);
await browser.close();
await server.close();
process.exit(errors.length > 0 ? 1 : 0);
