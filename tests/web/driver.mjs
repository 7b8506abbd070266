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

// What a browser's console would show in red, and answers and requests that failed.
function listen(page, said) {
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(String(error)));
}

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
  async wait({ page, script, argument, seconds }) {
    const handle = await page.waitForFunction(
      `(${script})(${JSON.stringify(argument)})`,
      undefined,
      { timeout: seconds * 1000, polling: 50 },
    );
    return handle.jsonValue();
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
