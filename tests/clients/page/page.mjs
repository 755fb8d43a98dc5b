// Looks at the page of a vault as a person would who has only a browser:
//   node page.mjs URL BROWSER FOLDER
// Prints one line of JSON: what there was to see, to press and to complain about.
// FOLDER holds the browser's profile and the pictures.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import puppeteer from "puppeteer-core";

const [url, executablePath, folder] = process.argv.slice(2);
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const said = { complaints: [], requests: [] };

const rest = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

// The page's policy forbids what the driver's own way of waiting is made of.
async function becomes(element, start) {
  for (let i = 0; i < 100; i++) {
    const text = await element.evaluate(one => one.textContent);
    if (text.startsWith(start)) return;
    await rest(50);
  }
  throw new Error(`no ${start}: ${await element.evaluate(one => one.outerHTML)}`);
}

const browser = await puppeteer.launch({
  executablePath,
  userDataDir: path.join(folder, "profile"),
  // The sandbox of the browser itself needs what a container or root may not have; it is not what is tested.
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-proxy-server",
    `--host-resolver-rules=MAP ${new URL(url).hostname} 127.0.0.1, MAP * ~NOTFOUND`],
});

async function open(settings = {}) {
  const page = await browser.newPage();
  page.on("console", message => said.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", error => said.complaints.push(String(error)));
  page.on("requestfailed", request => said.complaints.push(`${request.url()}: ${request.failure().errorText}`));
  page.on("request", request => said.requests.push(request.url()));
  await page.setJavaScriptEnabled(settings.scripts ?? true);
  await page.setViewport({ width: settings.width ?? 1100, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: settings.colours ?? "light" }]);
  const answer = await page.goto(url, { waitUntil: "load" });
  said.status = answer.status();
  return page;
}

// ---- what is there

const page = await open();
said.title = await page.title();
said.texts = await page.$$eval("code[id]", all => Object.fromEntries(all.map(one => [one.id, one.textContent.trim()])));
said.commands = await page.$$eval("pre", all => Object.fromEntries(all.map(one => [one.id, one.textContent])));
said.headings = await page.$$eval("h1, h2, h3", all => all.map(one => one.tagName + " " + one.textContent));
said.links = await page.$$eval("a[href]", all => all.map(one => one.href));
said.body = await page.$eval("main", main => main.innerText);

// ---- what a keyboard reaches, and what the buttons do

said.reached = [];
for (let i = 0; i < 60; i++) {
  await page.keyboard.press("Tab");
  const where = await page.evaluate(() => {
    const one = document.activeElement;
    if (one === document.body) return null;
    const seen = getComputedStyle(one).outlineStyle !== "none";
    return { tag: one.tagName, name: one.id || one.textContent, seen };
  });
  if (where === null) break;
  said.reached.push(where);
}
await page.bringToFront();
await browser.defaultBrowserContext().overridePermissions(new URL(url).origin, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
said.copied = {};
for (const button of await page.$$("button")) {
  const id = await button.evaluate(one => one.closest(".bar").nextElementSibling.id);
  await button.focus();
  await page.keyboard.press("Enter");
  await becomes(button, "Copied");
  said.copied[id] = await page.evaluate(() => navigator.clipboard.readText());
  said.announced = await page.$eval("#said", one => one.textContent);
}
// A browser that does not let it: the text is selected for the reader's own keys.
await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error("no")); });
const first = await page.$("button");
await first.click();
await becomes(first, "Selected");
said.selected = await page.evaluate(() => getSelection().toString());

// ---- judged for people who see, hear or move otherwise

said.judged = {};
for (const [name, settings] of Object.entries({ light: {}, dark: { colours: "dark" }, narrow: { width: 320 } })) {
  const judged = await open(settings);
  await judged.evaluate(axe);
  const found = await judged.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations", "incomplete"] }));
  said.judged[name] = {
    rules: found.passes.length,
    violations: [...found.violations, ...found.incomplete].map(one =>
      `${one.id}: ${one.help}: ${one.nodes.map(node => node.html).join(" ")}`),
    width: await judged.evaluate(() => [document.documentElement.scrollWidth, innerWidth]),
  };
  await judged.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}

// ---- without scripts

const still = await open({ scripts: false });
said.still = await still.$eval("main", main => main.innerText);
said.buttons_without_scripts = (await still.$$("button")).length;

await browser.close();
console.log(JSON.stringify(said));
