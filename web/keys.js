// What keys do. Letters and digits can be switched off, for those who talk to their machine.

const KEPT = "letters";

function nearest(from, cameras, key) {
  const here = from.element.getBoundingClientRect();
  const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  let found = null;
  let least = Infinity;
  for (const camera of cameras) {
    const there = camera.element.getBoundingClientRect();
    const [dx, dy] = [there.left - here.left, there.top - here.top];
    const ahead = dx * x + dy * y;
    const aside = Math.abs(dx * y) + Math.abs(dy * x);
    if (ahead > 4 && ahead + 3 * aside < least) [found, least] = [camera, ahead + 3 * aside];
  }
  return found;
}

export class Keys {
  constructor(page) {
    this.page = page;
    this.dialog = document.getElementById("keys");
    this.letters = document.getElementById("letters");
    try {
      this.letters.checked = localStorage.getItem(KEPT) !== "off";
    } catch {
      // a browser that keeps nothing
    }
    this.letters.addEventListener("change", () => this.keep());
    document.addEventListener("keydown", (event) => this.press(event));
  }

  keep() {
    try {
      localStorage.setItem(KEPT, this.letters.checked ? "on" : "off");
    } catch {
      // then it lasts as long as the page
    }
  }

  help() {
    if (!this.dialog.open) this.dialog.showModal();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.dialog.open) return;
    if (event.repeat && !event.key.startsWith("Arrow")) return; // a key that is held means it once
    const act = this.action(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  action(key) {
    const { page } = this;
    if (key === "Escape" && page.enlarged() && !document.fullscreenElement)
      return () => page.enlarge(null);
    if (key.startsWith("Arrow")) return this.move(key);
    if (!this.letters.checked) return null;
    if (key >= "1" && key <= "9" && key.length === 1) {
      const camera = page.cameras()[key - 1];
      return camera && (() => page.enlarge(camera));
    }
    return this.letter(key);
  }

  letter(key) {
    const { page } = this;
    const camera = page.meant();
    const letters = {
      s: camera && (() => camera.snapshot()),
      r: camera && (() => camera.toggleRecording()),
      e: camera && (() => camera.recordEvent()),
      f: page.fullScreen,
      i: page.figures,
      t: page.theme,
      "?": () => this.help(),
    };
    return Object.hasOwn(letters, key) ? letters[key] : null;
  }

  // In the grid the focus moves, to where the arrow points; enlarged, the next camera is taken.
  move(key) {
    const cameras = this.page.cameras();
    if (cameras.length === 0) return null;
    const enlarged = this.page.enlarged();
    if (enlarged) {
      const step = key === "ArrowLeft" || key === "ArrowUp" ? cameras.length - 1 : 1;
      return () => this.page.enlarge(cameras[(cameras.indexOf(enlarged) + step) % cameras.length]);
    }
    const focused = document.activeElement?.closest?.(".camera");
    if (!focused) return () => cameras[0].find(".look").focus();
    const next = nearest(cameras.find((camera) => camera.element === focused), cameras, key);
    return next && (() => next.find(".look").focus());
  }
}
