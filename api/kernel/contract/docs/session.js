// The session of this browser: cookies that the server sets, HttpOnly except XSRF-TOKEN. Nothing is stored by the page.

import { page } from "./dom.js";

/** The header for requests that change state; none without a session. */
export function xsrf(method) {
  const cookie = document.cookie.match(/(?:^|; )XSRF-TOKEN=([^;]+)/);
  return cookie && method !== "GET" ? { "X-XSRF-TOKEN": decodeURIComponent(cookie[1]) } : {};
}

export const bearer = () => page("token").value.trim();

/** Takes a token, which requests are then sent with instead of the session; "" returns to the session. */
export function takeBearer(token) {
  page("token").value = token;
  return showSession();
}

const post = (path, body) => fetch(`/api${path}`, { method: "POST", body, headers: xsrf("POST") });

async function current() {
  const response = await fetch("/api/auth/session", { cache: "no-store" });
  return response.ok ? response.json() : null;
}

/** Renews an access cookie that has expired. One tab at a time: a refresh token is used once. */
export function renew() {
  return navigator.locks.request("api-docs-refresh", async () => (await current()) ?? again());
}

async function again() {
  const response = await post("/auth/refresh");
  return response.ok ? current() : null;
}

/** Shows who requests are sent as, and renews the session if needed. */
export async function showSession() {
  const user = bearer() ? null : (await current()) ?? (xsrf("POST")["X-XSRF-TOKEN"] ? await renew() : null);
  const name = user ? `${user.email}${user.is_superuser ? " · superuser" : ""}` : "";
  page("who").textContent = bearer() ? "with a bearer token" : name;
  page("leave").textContent = bearer() ? "Remove token" : "Sign out";
  page("enter").hidden = Boolean(user || bearer());
  page("leave").hidden = !page("enter").hidden;
}

/** Tells the application in other tabs, which shares the session (web/src/app/kernel/session.ts). */
const tell = (news) => new BroadcastChannel("session").postMessage(news);

async function signIn(event) {
  event.preventDefault();
  page("refusal").textContent = "";
  try {
    const response = await post("/auth/cookie/login", new URLSearchParams(new FormData(event.target)));
    if (!response.ok) throw new Error((await response.json()).detail);
    event.target.reset();
    page("dialog").close();
    tell("signed-in");
    await showSession();
  } catch (error) {
    page("refusal").textContent = error instanceof TypeError ? "The server does not answer. Try again." : error.message;
  }
}

async function signOut() {
  const response = await post("/auth/cookie/logout");
  if (response.ok) tell("signed-out");
  page("status").value = response.ok ? "You are signed out." : `Signing out failed: ${(await response.json()).detail}`;
  await showSession();
}

export function startSession() {
  page("enter").addEventListener("click", () => page("dialog").showModal());
  page("cancel").addEventListener("click", () => page("dialog").close());
  page("sign-in").addEventListener("submit", signIn);
  page("leave").addEventListener("click", () => (bearer() ? takeBearer("") : signOut()));
  page("token").addEventListener("change", showSession);
  addEventListener("focus", () => showSession().catch(() => {})); // another tab may have signed in or out
  return showSession();
}
