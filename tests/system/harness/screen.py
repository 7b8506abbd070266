"""An X screen without a monitor, and hands to press its keys."""

import os
import shutil
import subprocess

import pytest
from PIL import Image

from harness.processes import Process


class Screen:
    """Xvfb on a free display number."""

    def __init__(self, size="1024x768"):
        for tool in ("Xvfb", "xdotool"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        read_end, write_end = os.pipe()
        words = ["Xvfb", "-displayfd", write_end, "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
        self._process = Process(words, pass_fds=(write_end,))
        os.close(write_end)
        with os.fdopen(read_end) as numbers:
            number = numbers.readline().strip()
        assert number, f"Xvfb did not start\n{self._process.account()}"
        self.display = f":{number}"
        self.environment = {"DISPLAY": self.display, "SDL_VIDEODRIVER": "x11"}

    def xdotool(self, *words, seconds=20, check=True):
        finished = subprocess.run(
            ["xdotool", *map(str, words)],
            env={**os.environ, "DISPLAY": self.display},
            capture_output=True, text=True, timeout=seconds, check=check,
        )  # fmt: skip
        return finished.stdout.strip()

    def window(self, name="."):
        """The id of the first visible window whose title holds `name`; waits for it."""
        return self.xdotool("search", "--sync", "--onlyvisible", "--name", name).split()[0]

    def title(self, window):
        return self.xdotool("getwindowname", window)

    def press(self, window, key):
        """Presses a key, unless the window has gone meanwhile."""
        self.xdotool("windowfocus", "--sync", window, check=False)
        self.xdotool("key", key, check=False)

    def click(self, window, across, down):
        """Clicks at so many hundredths of a window's width and height."""
        _, _, width, height = self.place(window)
        where = [width * across // 100, height * down // 100]
        self.xdotool("mousemove", "--sync", "--window", window, *where, "click", 1)

    def place(self, window):
        """Left, top, width and height."""
        told = self.xdotool("getwindowgeometry", "--shell", window)
        values = dict(line.split("=", 1) for line in told.splitlines())
        return [int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")]

    def look(self, window, path):
        """What a window shows, as a picture."""
        left, top, width, height = self.place(window)
        self.capture(path)
        with Image.open(path) as picture:
            return picture.convert("RGB").crop((left, top, left + width, top + height))

    def capture(self, path):
        """The whole screen as a picture file."""
        words = ["ffmpeg", "-y", "-v", "error", "-f", "x11grab", "-i", self.display]
        subprocess.run([*words, "-frames:v", "1", str(path)], check=True, timeout=20)

    def close(self):
        self._process.finish()
