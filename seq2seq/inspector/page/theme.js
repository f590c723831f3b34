/** Light, dark, or as the system says. */

const NEXT = { system: "light", light: "dark", dark: "system" };
const NAMES = { system: "System colours", light: "Light", dark: "Dark" };
const STORED_AS = "inspector-theme";

function remembered() {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null; // storage may be forbidden; the page then forgets, and that is all
  }
}

function remember(theme) {
  try {
    localStorage.setItem(STORED_AS, theme);
  } catch {
    // as above
  }
}

/** Makes a button go through the three. */
export function startTheme(button, name) {
  let theme = remembered();
  const show = () => {
    document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
    name.textContent = NAMES[theme];
    button.setAttribute("aria-label", `Colours: ${NAMES[theme]}. Change to: ${NAMES[NEXT[theme]]}`);
  };
  if (!(theme in NEXT)) theme = "system";
  show();
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    remember(theme);
    show();
  });
}
