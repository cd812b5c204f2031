// A field whose whole content is there to be copied: focus selects it.
export function startSelect() {
  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-select]")) event.target.select();
  });
}
