// Looks at the dashboard with Chromium: `node browser.mjs look|live ORIGIN NAME PICTURES`. The last
// line that it prints is what it found, as JSON.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';

const [what, origin, name, pictures] = process.argv.slice(2);
const require = createRequire(join(process.env.PEERS, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const executablePath = process.env.PATH.split(delimiter)
  .map((folder) => join(folder, 'chromium'))
  .find((path) => existsSync(path));
if (!executablePath) throw new Error('chromium is not installed: ./ci/test.sh installs it');
const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});

const found = { looks: 0, violations: [], console: [], requests: [], differences: [],
  unreached: [], unseen: [], stops: 0 };

// A page whose complaints are kept: errors, breaches of its policy, and requests to elsewhere.
async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('console', (it) => {
    if (['error', 'warning'].includes(it.type())) found.console.push(it.text());
  });
  page.on('pageerror', (error) => found.console.push(String(error)));
  page.on('request', (it) => {
    const url = it.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) found.requests.push(url);
  });
  const answer = await page.goto(`${origin}/`);
  if (answer.status() !== 200) throw new Error(`status ${answer.status()}`);
  return page;
}

// The text of a page, without what only a script can show and what counts by itself.
async function facts(page) {
  const html = await page.content();
  const reader = await browser.newPage();
  const text = await reader.evaluate((html) => {
    const parsed = new DOMParser().parseFromString(html, 'text/html');
    for (const it of parsed.querySelectorAll('script, style, .copy, #live, #news, .asof')) it.remove();
    for (const it of parsed.querySelectorAll('.count')) it.textContent = 'COUNT';
    return parsed.body.textContent.replace(/\s+/g, ' ').trim();
  }, html);
  await reader.close();
  return text;
}

async function accessible(page, look) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  for (const { id, help, nodes } of violations) {
    found.violations.push({ look, id, help, nodes: nodes.map((it) => it.html).slice(0, 3) });
  }
}

// Everything that can be used is reached by the Tab key, and seen to be.
async function keyboard(page) {
  await page.evaluate(() => document.activeElement?.blur());
  const reached = new Set();
  for (let i = 0; i < 400; i += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const it = document.activeElement;
      if (!it || it === document.body) return null;
      it.dataset.stop ??= String(document.querySelectorAll('[data-stop]').length + 1);
      const style = getComputedStyle(it);
      return { stop: it.dataset.stop, isSeen: style.outlineStyle !== 'none', html: it.outerHTML.slice(0, 120) };
    });
    if (!stop || reached.has(stop.stop)) break;
    reached.add(stop.stop);
    if (!stop.isSeen) found.unseen.push(stop.html);
  }
  found.stops = reached.size;
  found.unreached.push(...await page.evaluate(() =>
    [...document.querySelectorAll('a[href], button, summary, [tabindex]')]
      .filter((it) => it.checkVisibility() && !it.dataset.stop)
      .map((it) => it.outerHTML.slice(0, 120))));
  // And opened by the keyboard.
  const summary = page.locator('summary').first();
  if (await summary.count()) {
    await summary.focus();
    await page.keyboard.press('Enter');
    if (!await page.evaluate(() => document.activeElement.parentElement.open)) found.unseen.push('a summary does not open');
    await page.keyboard.press('Enter');
  }
}

async function look() {
  const looks = {
    wide: { viewport: { width: 1280, height: 900 } },
    telephone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' },
    dark: { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  };
  for (const [look, options] of Object.entries(looks)) {
    const page = await open(options);
    await page.locator('#live.on').waitFor();
    await accessible(page, look);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > options.viewport.width) found.violations.push({ look, id: 'too wide', width });
    await page.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage: true });
    if (look === 'wide') {
      const plain = await open({ ...options, javaScriptEnabled: false });
      let [with_, without] = [await facts(page), await facts(plain)];
      // What changes between two looks (a turn is kept back for a second) is the same soon.
      for (let again = 0; with_ !== without && again < 5; again += 1) {
        await page.waitForTimeout(6000);
        await plain.reload();
        [with_, without] = [await facts(page), await facts(plain)];
      }
      if (with_ !== without) found.differences.push({ with: with_, without });
      if (await plain.locator('.copy').first().isVisible()) found.differences.push('a button that does nothing');
      await plain.screenshot({ path: join(pictures, `${name}-plain.png`), fullPage: true });
      await keyboard(page);
      // Who does not see the button is told what it did.
      await page.locator('.copy').first().click();
      const told = () => /^The command is (copied|selected)\.$/.test(document.getElementById('news').textContent);
      await page.waitForFunction(told, null, { timeout: 5000 }).catch(() => found.differences.push('copied in silence'));
      // A hash is copied whole, without the gaps between its groups.
      const copied = await page.evaluate(() => {
        getSelection().selectAllChildren(document.querySelector('#join .hash'));
        return getSelection().toString();
      });
      if (!/^[0-9a-f]{64}$/.test(copied)) found.differences.push({ copied });
    }
    if (look === 'telephone') {
      const moving = await page.evaluate(() => document.getAnimations().length);
      if (moving) found.violations.push({ look, id: 'moves', moving });
    }
    found.looks += 1;
    await page.context().close();
  }
}

async function live() {
  const page = await open({ viewport: { width: 1280, height: 900 } });
  await page.locator('#live.on').waitFor();
  await page.evaluate(() => {
    window.marker = 'the same page';
    window.said = [];
    new MutationObserver(() => window.said.push(document.getElementById('news').textContent))
      .observe(document.getElementById('news'), { childList: true, characterData: true, subtree: true });
  });
  const summary = page.locator('#chain-0 summary').first();
  await summary.focus();
  await page.keyboard.press('Enter');
  console.log('ready');
  await page.locator('#chain-0 .step', { hasText: 'contribution 1' }).filter({ hasText: name }).waitFor({ timeout: 100000 });
  await page.waitForFunction(() => document.getElementById('headline').textContent.includes('no participant'), null, { timeout: 60000 });
  Object.assign(found, await page.evaluate(() => ({
    same: window.marker === 'the same page',
    open: document.querySelector('#chain-0 details').open,
    focused: document.activeElement === document.querySelector('#chain-0 summary'),
    said: window.said,
  })));
}

// Names are text wherever they stand, and stay in their boxes.
async function hostile() {
  const names = JSON.parse(name);
  const page = await open({ viewport: { width: 1280, height: 900 } });
  page.on('dialog', (it) => { found.violations.push(it.message()); it.dismiss(); });
  await page.locator('#live.on').waitFor();
  const judge = async (when) => {
    const problems = await page.evaluate((names) => {
      const problems = [];
      const own = new Set(['script', 'img', 'iframe', 'object', 'embed', 'base', 'form', 'input']);
      const elements = [...document.querySelectorAll('*')];
      for (const it of elements.filter((it) => own.has(it.localName))) {
        if (it.localName !== 'script' || it.parentElement !== document.body) problems.push(it.outerHTML);
      }
      for (const it of elements) {
        for (const { name, value } of it.attributes) {
          if (name.startsWith('on') || name === 'autofocus' || /javascript:/i.test(value) && name === 'href') {
            problems.push(`${it.localName} ${name}="${value}"`);
          }
        }
      }
      const flat = (text) => text.replace(/\s+/g, ' ').trim();
      const rows = [...document.querySelectorAll('#parties tbody th')].map((it) => flat(it.firstChild.textContent));
      for (const it of names.map(flat)) if (!rows.includes(it)) problems.push(`not a row: ${it}`);
      const boxes = [...document.querySelectorAll('.topology .party')].map((it) => it.getBBox());
      for (const it of document.querySelectorAll('.topology text')) {
        const { x, y, width } = it.getBBox();
        const box = boxes.find((box) => y >= box.y - 2 && y <= box.y + box.height && Math.abs(box.x + box.width / 2 - x - width / 2) < 2);
        if (width > (box?.width ?? 66)) problems.push(`too wide: ${it.textContent} ${width}`);
      }
      return problems;
    }, names);
    found.differences.push(...problems.map((it) => `${when}: ${it}`));
    found.looks += 1;
  };
  await judge('at first');
  console.log('ready');
  await page.waitForFunction(() => document.querySelectorAll('#queue li').length === 5, null, { timeout: 60000 });
  await judge('after events');
}

try {
  await ({ look, live, hostile })[what]();
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
}
