"""A real Chromium, and the pages in it: tests/web/driver.mjs drives it."""

import json
import os
import select
import shutil
import subprocess

from harness.processes import ROOT, Process
from harness.waiting import allow

WEB = ROOT / "tests" / "web"
# Page tests wait for pictures: a machine that is busy with others takes its time.
PATIENCE = 40

# The pictures that are drawn within some seconds: the number in the timecode of each, as
# docs/PROTOCOL.md has it, and how old that was then; and the age that the page shows.
WATCH = """
([camera, seconds, enough]) => new Promise((done) => {
  const element = document.querySelector(`[data-camera="${camera}"]`);
  const canvas = element.querySelector(".look canvas");
  const seen = [];
  const end = performance.now() + 1000 * seconds;
  const read = () => {
    const side = Math.min(32, Math.max(8, Math.floor(canvas.width / 16)));
    const { data } = canvas.getContext("2d").getImageData(0, 0, 16 * side, 2 * side);
    let number = 0;
    for (let bit = 0; bit < 32; bit++) {
      const x = (bit % 16) * side + (side >> 1);
      const y = Math.floor(bit / 16) * side + (side >> 1);
      if (data[4 * (y * 16 * side + x)] >= 128) number += 2 ** bit;
    }
    const age = ((Date.now() % 2 ** 32) - number + 2 ** 32) % 2 ** 32;
    if (number !== seen.at(-1)?.number)
      seen.push({ number, age, shown: element.querySelector(".age").innerText });
    if (performance.now() < end && seen.length <= enough) requestAnimationFrame(read);
    else done(seen.slice(1)); // how long the first had been there isn't known
  };
  read();
})
"""


def why_not():
    """Why there is no browser here; None where there is one."""
    for program in ("chromium", "node"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    if not (WEB / "node_modules" / "playwright-core").is_dir():
        return "tools/setup test has not installed what tests/web needs"
    return None


class Browser(Process):
    """One Chromium, for all tests of a file."""

    def __init__(self, folder):
        channels = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        words = ["node", WEB / "driver.mjs", shutil.which("chromium")]
        # Sanitizers are for the program under test.
        kept = {name: value for name, value in os.environ.items() if not name.endswith("SAN_OPTIONS")}
        super().__init__(words, {**kept, "HOME": str(folder), "TMPDIR": str(folder)}, **channels)
        self.version = self._hear()

    def _hear(self):
        # One answer to each question: nothing of another is in the buffer.
        ready = select.select([self.stdout], [], [], allow(2 * PATIENCE))[0]
        assert ready, f"the page does not answer\n{self.account()}"
        line = self.stdout.readline()
        assert line, f"the browser's driver ended\n{self.account()}"
        answer = json.loads(line)
        assert "error" not in answer, f"{answer['error']}\n{self.account()}"
        return answer["value"]

    def ask(self, command, **words):
        self.stdin.write(json.dumps({"command": command, **words}).encode() + b"\n")
        self.stdin.flush()
        return self._hear()

    def open(self, url, **how):
        return Page(self, url, **how)


class Page:
    """A page in a window of its own, with nothing of what others have kept."""

    def __init__(self, browser, url, size=(1280, 800), scheme="dark", phone=False, **how):
        self._browser = browser
        width, height = size
        shape = {"width": width, "height": height, "scheme": scheme, "phone": phone}
        opened = browser.ask("open", url=url, **shape, **how)
        self._number, self.status = opened["page"], opened["status"]

    def _ask(self, command, **words):
        return self._browser.ask(command, page=self._number, **words)

    def evaluate(self, script, argument=None):
        return self._ask("evaluate", script=script, argument=argument)

    def wait(self, script, argument=None, seconds=PATIENCE):
        """What the function tells, once that is true."""
        seconds = allow(seconds)
        return self._ask("wait", script=script, argument=argument, seconds=seconds)

    def text(self, selector):
        return self.evaluate("(s) => document.querySelector(s)?.innerText ?? null", selector)

    def wait_text(self, selector, text):
        """Until what is shown there holds that text."""
        script = """([selector, text]) => [...document.querySelectorAll(selector)].some(
            (element) => element.checkVisibility() && element.innerText.includes(text))"""
        return self.wait(script, [selector, text])

    def press(self, *keys):
        for key in keys:
            self._ask("press", key=key)

    def click(self, selector):
        self._ask("click", selector=selector)

    def resize(self, width, height):
        self._ask("size", width=width, height=height)

    def download(self, selector, path):
        """Clicks there; what comes is saved. The name that the page gave it."""
        return self._ask("download", selector=selector, path=str(path))

    def screenshot(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ask("screenshot", path=str(path))

    def barriers(self):
        """What axe-core has found that keeps somebody out."""
        found = self._ask("barriers")
        return [one for one in found if one["impact"] in ("serious", "critical")]

    def said(self):
        """Errors on the console."""
        return self._ask("said")

    def wait_cameras(self, count):
        """Until so many cameras show a picture; their ids, in the order of the page."""
        script = """(count) => {
            const seen = [...document.querySelectorAll(".camera.seen:not(.is-stale)")];
            return seen.length === count && seen.map((camera) => camera.dataset.camera); }"""
        return self.wait(script, count)

    def watch(self, camera, seconds):
        """The pictures that are drawn within so long: number and age of each."""
        return self.evaluate(WATCH, [camera, seconds, 1000])

    def wait_moving(self, camera):
        """Until new pictures of the camera are drawn."""
        drawn = self.evaluate(WATCH, [camera, allow(PATIENCE), 2])
        assert len(drawn) >= 2, f"{camera} does not move: {self.text('body')}"

    def api(self, path):
        """What the viewer answers to the page."""
        return self.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)

    def close(self):
        self._ask("close")
