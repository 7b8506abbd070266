// Dark, light, or as the system has it; kept in this browser.

const THEMES = { auto: "as the system has it", dark: "dark", light: "light" };

function kept() {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // a browser that keeps nothing
  }
}

function apply(theme) {
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.ariaLabel = `Colours: ${THEMES[theme]}`;
  button.title = `Colours: ${THEMES[theme]} (t)`;
}

export function initTheme() {
  apply(Object.hasOwn(THEMES, kept() ?? "") ? kept() : "auto");
}

// Takes the next one; a sentence on it.
export function nextTheme() {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
  apply(next);
  try {
    localStorage.setItem("theme", next);
  } catch {
    // then it lasts as long as the page
  }
  return `Colours: ${THEMES[next]}`;
}
