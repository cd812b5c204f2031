// One box that ticks all of a name, and buttons that need at least one of them ticked.
const boxes = (form, name) => [...form.querySelectorAll(`input[type="checkbox"][name="${name}"]`)];

function show(form) {
  for (const button of form.querySelectorAll("[data-checked-only]")) {
    button.disabled = !boxes(form, button.dataset.checkedOnly).some((box) => box.checked);
  }
  for (const all of form.querySelectorAll("[data-check-all]")) {
    const found = boxes(form, all.dataset.checkAll);
    const count = found.filter((box) => box.checked).length;
    all.checked = count > 0 && count === found.length;
    all.indeterminate = count > 0 && count < found.length;
  }
}

export function startChoices() {
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form?.querySelector("[data-check-all]")) return;
    const name = event.target.dataset.checkAll;
    if (name) for (const box of boxes(form, name)) box.checked = event.target.checked;
    show(form);
  });
  for (const all of document.querySelectorAll("[data-check-all]")) show(all.form);
}
