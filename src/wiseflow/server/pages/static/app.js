// Live updates, the citation card, the theme button, the estimate. Every page works without it.
"use strict";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const REFRESH_MS = 350, FIRST_RETRY_MS = 1000, LONGEST_RETRY_MS = 30000, CARD_GAP = 8;

// Live: what changed is taken from the page itself, fetched anew.
let busy = false, again = false;
async function refresh(whole) {
  if (busy) { again = again || whole || "parts"; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    if (whole === true) for (const id of ["rail-list", "rail-counts", "main"]) swap($("#" + id), page.getElementById(id));
    else for (const old of $$("[data-live]")) swap(old, page.getElementById(old.id));
    if (whole !== true && page.getElementById("main")?.childElementCount !== $("#main").childElementCount) again = true;
    told("live");
  } catch { told("away"); } finally {
    setTimeout(() => { busy = false; if (again) { const next = again; again = false; refresh(next); } }, REFRESH_MS);
  }
}
function swap(old, fresh) {
  if (!old || !fresh || old.isEqualNode(fresh)) return;
  const open = new Set($$("details[open]", old).map((one) => one.id).filter(Boolean));
  const focus = old.contains(document.activeElement) && document.activeElement;
  const path = focus && (focus.id ? "#" + CSS.escape(focus.id) : focus.getAttribute("href") && `[href="${CSS.escape(focus.getAttribute("href"))}"]`);
  for (const one of $$("details", fresh)) if (open.has(one.id)) one.open = true;
  if (document.activeElement?.matches?.("input,textarea,select") && focus) return; // nobody is interrupted in typing
  const { scrollLeft, scrollTop } = old;
  old.replaceWith(fresh);
  fresh.scrollLeft = scrollLeft; fresh.scrollTop = scrollTop;
  if (path) $(path, fresh)?.focus({ preventScroll: true });
}
function told(state) {
  const mark = $("#live");
  mark.hidden = false;
  mark.classList.toggle("away", state === "away");
  const text = state === "away" ? "offline, trying again" : "live";
  if (mark.textContent !== text) mark.textContent = text;
}
let retry = FIRST_RETRY_MS;
function follow() {
  const main = $("#main[data-stream]");
  if (!main) { poll(); return; }
  let last = main.dataset.after;
  const source = new EventSource(`${main.dataset.stream}?after=${last}`);
  source.onopen = () => { retry = FIRST_RETRY_MS; told("live"); };
  source.addEventListener("changed", (event) => { last = main.dataset.after = event.lastEventId; refresh("parts"); });
  source.addEventListener("ended", () => { source.close(); refresh(true); setTimeout(poll, 2 * REFRESH_MS); });
  source.onerror = () => {
    source.close();
    told("away");
    setTimeout(follow, retry * (0.75 + Math.random() / 2));
    retry = Math.min(2 * retry, LONGEST_RETRY_MS);
  };
}
let polling = 0;
function poll() {
  const wait = $("#main")?.dataset.poll;
  clearTimeout(polling);
  if (!wait) return;
  polling = setTimeout(async () => { if (!document.hidden) await refresh("parts"); poll(); }, 1000 * wait);
}

// The citation card: on hover, focus and tap; the link below it works as ever.
const card = $("#card");
let shown = null, leaving = 0;
function show(cite) {
  const quote = document.getElementById(decodeURIComponent(cite.hash.slice(1)));
  const source = quote?.closest("[id*=source-]:not(.quotes li)");
  clearTimeout(leaving);
  if (!source || shown === cite) return;
  hide();
  shown = cite;
  cite.classList.add("shown");
  source.classList.add("shown");
  card.replaceChildren(...[".source-title", ".facts"].map((one) => $(one, source).cloneNode(true)), ...[...quote.childNodes].map((one) => one.cloneNode(true)));
  card.hidden = false;
  const box = cite.getBoundingClientRect(), width = card.offsetWidth, height = card.offsetHeight;
  const above = box.top - height - CARD_GAP > 60;
  card.style.left = Math.max(12, Math.min(box.left - 20, innerWidth - width - 12)) + scrollX + "px";
  card.style.top = (above ? box.top - height - CARD_GAP : box.bottom + CARD_GAP) + scrollY + "px";
}
function hide() {
  card.hidden = true;
  for (const one of $$(".shown")) one.classList.remove("shown");
  shown = null;
}
const later = () => { clearTimeout(leaving); leaving = setTimeout(hide, 200); };
document.addEventListener("pointerover", (event) => {
  const cite = event.target.closest?.(".cite");
  if (cite && event.pointerType !== "touch") show(cite);
  else if (event.target.closest?.("#card")) clearTimeout(leaving);
  else if (shown && event.pointerType !== "touch") later();
});
document.addEventListener("focusin", (event) => event.target.matches?.(".cite") ? show(event.target) : !event.target.closest?.("#card") && later());
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
document.addEventListener("click", (event) => {
  const cite = event.target.closest?.(".cite");
  if (cite && matchMedia("(hover: none)").matches && (card.hidden || shown === cite)) { event.preventDefault(); show(cite); }
  else if (!event.target.closest?.("#card")) hide();
});

// The theme button, without loading the page anew.
$(".theme")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = $("button", event.target), themes = ["auto", "dark", "light"], theme = button.value;
  fetch(event.target.action, { method: "POST", body: new URLSearchParams({ theme, back: "" }), redirect: "manual" });
  document.documentElement.dataset.theme = theme;
  $("meta[name=color-scheme]").content = theme === "auto" ? "light dark" : theme;
  button.value = themes[(themes.indexOf(theme) + 1) % 3];
  button.title = "Theme: " + theme;
  button.setAttribute("aria-label", `Theme: ${theme}. Change it`);
});

// A form is sent once.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.getAttribute("aria-busy")) event.preventDefault();
  event.target.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => $$("form[aria-busy]").forEach((form) => form.removeAttribute("aria-busy")));

// What a research would take, while it is typed.
const form = $("form[data-estimate]");
let typing = 0;
form?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const answer = await fetch(form.dataset.estimate, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (!answer?.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    $("#estimate").replaceChildren(...$("#estimate", page).childNodes);
  }, 400);
});
addEventListener("offline", () => told("away"));
addEventListener("online", () => refresh("parts"));
follow();
