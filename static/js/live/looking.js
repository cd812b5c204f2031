// Who else looks at this case now: chips beside its number. The page says that somebody looks while
// it is in front of them, and takes it back when it is hidden or closed.
const SAY_EVERY_MS = 20_000;

export function startLooking(line) {
  const place = document.querySelector("[data-looking]");
  if (!place) return;
  const number = place.dataset.looking;
  const say = () => line.say({ look: document.hidden ? null : number });
  line.addEventListener("open", say);
  document.addEventListener("visibilitychange", say);
  setInterval(() => { if (!document.hidden) say(); }, SAY_EVERY_MS);
  line.addEventListener("message", ({ detail }) => {
    if (detail.type === "looking" && detail.case === number) show(place, detail.people);
  });
  line.addEventListener("lost", () => show(place, []));
}

function show(place, people) {
  const template = place.querySelector("template");
  place.querySelectorAll(".person-chip").forEach((chip) => chip.remove());
  people.forEach((person) => {
    const chip = template.content.firstElementChild.cloneNode(true);
    chip.querySelector(".face").textContent = person.initial;
    chip.querySelector(".cut").textContent = person.name;
    place.append(chip);
  });
  place.classList.toggle("is-empty", people.length === 0);
}
