/** Light or dark: as the system has it, or as chosen. */

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const LABELS = { auto: "Auto", light: "Light", dark: "Dark" };

export function followTheme(toggle) {
  let chosen = "auto";
  const show = () => {
    document.documentElement.dataset.theme = chosen;
    toggle.textContent = LABELS[chosen];
    toggle.setAttribute("aria-label", `Colours: ${LABELS[chosen].toLowerCase()}. Change`);
  };
  toggle.addEventListener("click", () => { chosen = NEXT[chosen]; show(); });
  show();
}
