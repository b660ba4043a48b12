/** Light or dark: as the system has it, or as chosen. */

const NEXT = { auto: "light", light: "dark", dark: "auto" };

export function followTheme(toggle) {
  let chosen = "auto";
  const show = () => {
    document.documentElement.dataset.theme = chosen;
    toggle.textContent = `Theme: ${chosen}`;
  };
  toggle.addEventListener("click", () => { chosen = NEXT[chosen]; show(); });
  show();
}
