// A real Chromium that does what a test tells it: one JSON object a line comes in, one goes out.
// tests/system/harness/browser.py is its other half.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [executablePath] = process.argv.slice(2);

const browser = await chromium.launch({ executablePath, args: ["--disable-gpu"] });
const pages = new Map();
let count = 0;

// What a browser's console shows in red.
function listen(page, said) {
  page.on("console", (message) => {
    if (message.type() === "error") said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(String(error)));
}

// What a failed test tells of the page.
const shown = (page) => page.evaluate("document.body.innerText");

const commands = {
  async open({ url, width, height, scheme, phone, headers, script }) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: scheme,
      hasTouch: phone,
      isMobile: phone,
      deviceScaleFactor: phone ? 2 : 1,
      extraHTTPHeaders: headers,
      acceptDownloads: true,
      locale: "en-GB",
    });
    if (script) await context.addInitScript(script);
    const page = await context.newPage();
    const said = [];
    listen(page, said);
    pages.set(++count, { page, said });
    const answer = await page.goto(url);
    return { page: count, status: answer.status() };
  },
  evaluate: ({ page, script, argument }) => page.evaluate(`(${script})(${JSON.stringify(argument)})`),
  // Asked again and again from out here: in the page that takes eval, which it rightly refuses.
  async wait({ page, script, argument, seconds }) {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const value = await commands.evaluate({ page, script, argument });
      if (value) return value;
      if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${script}\n${await shown(page)}`);
      await page.waitForTimeout(50);
    }
  },
  press: ({ page, key }) => page.keyboard.press(key),
  click: ({ page, selector }) => page.click(selector),
  size: ({ page, width, height }) => page.setViewportSize({ width, height }),
  async download({ page, selector, path }) {
    const begun = page.waitForEvent("download");
    await page.click(selector);
    const download = await begun;
    await download.saveAs(path);
    return download.suggestedFilename();
  },
  screenshot: ({ page, path }) => page.screenshot({ path }),
  // What axe-core finds; by how bad it is, with where.
  async barriers({ page }) {
    await page.evaluate(axe); // not as a script in the page, which it rightly refuses
    const found = await page.evaluate(`axe.run(document, { resultTypes: ["violations"] })`);
    return found.violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.map((node) => `${node.target}: ${node.failureSummary}`),
    }));
  },
  said: ({ said }) => said,
  async close({ page, number }) {
    pages.delete(number);
    await page.context().close();
  },
};

async function answer(line) {
  const { command, ...words } = JSON.parse(line);
  const known = words.page ? { ...pages.get(words.page), number: words.page } : {};
  try {
    return { value: (await commands[command]({ ...words, ...known })) ?? null };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

console.log(JSON.stringify({ value: browser.version() }));
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await answer(line)));
await browser.close();
