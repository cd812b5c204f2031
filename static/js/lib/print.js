// A button that prints the page: what is on paper is the style sheet's to say.
export function startPrint() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });
}
