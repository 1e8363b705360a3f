// The form by which the page of mlp watch starts a training.
"use strict";

function offerStart(isOpen) {
  byId("start").hidden = false;
  byId("start").open = isOpen;
}

async function startTraining(form) {
  const button = form.querySelector("button");
  const say = (text) => { byId("start-told").textContent = text; };
  const asked = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
  button.disabled = true;
  say("It starts …");
  try {
    const response = await fetch("api/start", { method: "POST", body: JSON.stringify(asked) });
    const told = await response.json();
    say(response.ok ? "" : `It did not start: ${told.problem}.`);
    if (!response.ok) return;
    byId("start").open = false;
    addRun(told.number, told.name).view.scrollIntoView({ block: "start" });
  } catch {
    say("");
    complain("The server does not answer: has mlp watch ended?");
  } finally {
    button.disabled = false;
  }
}

document.querySelector("#start form").addEventListener("submit", (event) => {
  event.preventDefault();
  startTraining(event.target);
});
