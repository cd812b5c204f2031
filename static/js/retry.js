// A page that could not be made is asked for again until it can: whoever waits need not do anything.
const PAUSE_MS = 5000; // what the server says in Retry-After
const UNAVAILABLE = 503;

async function isBack() {
  try {
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    return answer.status !== UNAVAILABLE;
  } catch {
    return false; // no answer at all: still away
  }
}

async function tryAgain() {
  if (await isBack()) location.reload();
  else setTimeout(tryAgain, PAUSE_MS);
}

setTimeout(tryAgain, PAUSE_MS);
