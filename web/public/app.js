// The stand-in application: register, open the mails' links, sign in, see the account, refresh, sign out.
// Tokens live in these variables and nowhere else: a reload signs out. Answers become text, never markup.

let tokens = null; // { access_token, refresh_token, expires_in } while signed in
let mailToken = null; // from a mail's link, until it is spent

// The pages behind mailed links. The link alone does nothing: mail scanners follow links, too.
const links = {
  "/verify": {
    title: "Confirm your e-mail address", text: "Press the button to confirm your address.",
    button: "Confirm this address", path: "/auth/verify", done: "The address is confirmed. You can sign in now.",
    password: "optional",
  },
  "/reset-password": {
    title: "Set a new password", text: "Every device will be signed out.", password: true,
    button: "Set the password", path: "/auth/reset-password", done: "The password is set. Sign in with it.",
  },
  "/accept-invitation": {
    title: "Accept the invitation", text: "Choose a password for your account.", password: true,
    button: "Accept", path: "/auth/reset-password", done: "The password is set. You can sign in now.",
  },
  "/confirm-email": {
    title: "Confirm your new address", text: "You will sign in with it from then on. Every device will be signed out.",
    button: "Confirm this address", path: "/auth/confirm-email", done: "The new address is confirmed. Sign in with it.",
  },
  "/revert-email": {
    title: "Keep the old address", password: true, button: "Keep the old address", path: "/auth/revert-email",
    text: "The change is cancelled or reverted. Every device will be signed out, and you choose a new password.",
    done: "The old address stays. Sign in with it and the new password.",
  },
};

const at = (id) => document.getElementById(id);

class Problem extends Error {
  /** The body of an application/problem+json answer; `errors` names the fields. */
  constructor({ status, detail, errors = [], trace_id }) {
    super(detail);
    Object.assign(this, { status, errors, trace: trace_id });
  }
}

/** Calls the API; throws a Problem for every other status than success. `body` is sent as JSON, URLSearchParams as a form. */
async function call(method, path, body) {
  const headers = {};
  if (tokens) headers.Authorization = `Bearer ${tokens.access_token}`;
  if (body && !(body instanceof URLSearchParams)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(`/api${path}`, { method, headers, body, credentials: "omit" }).catch(() => {
    throw new Problem({ detail: "The server did not respond. Try again in a moment." });
  });
  if (response.ok) return response.status === 204 ? null : response.json();
  const wait = response.headers.get("Retry-After");
  const { status } = response;
  const problem = response.headers.get("Content-Type")?.includes("problem+json")
    ? await response.json()
    : { status, detail: `The server responded with ${status}.`, trace_id: response.headers.get("X-Trace-Id") };
  throw new Problem({ ...problem, detail: problem.detail + (wait ? ` Try again in ${wait} s.` : "") });
}

// ── Showing things ──

function show(view, text = "") {
  for (const id of ["link", "forgot", "guest", "account"]) at(id).hidden = id !== view;
  tell(text);
}

function tell(text) {
  at("notice").textContent = text;
  at("notice").scrollIntoView({ block: "nearest" });
}

function message(text, trace) {
  const node = document.createElement("p");
  node.className = "problem";
  node.append(text);
  if (trace) node.append(Object.assign(document.createElement("small"), { textContent: ` trace ${trace}` }));
  return node;
}

function clearProblems() {
  for (const node of document.querySelectorAll(".problem")) node.remove();
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** Shows a problem at the fields that it points to, and what points to none of them above the form. */
function showProblem(form, problem) {
  const fieldOf = (error) => form.elements.namedItem(error.pointer.slice(1));
  const placed = problem.errors.filter(fieldOf);
  const others = problem.errors.filter((error) => !fieldOf(error)).map((error) => `${error.pointer}: ${error.detail}`);
  for (const error of placed) {
    const field = fieldOf(error);
    const node = message(error.detail, error === placed.at(-1) && problem.trace);
    node.id = `${field.id}-problem`; // the field's aria-describedby names it
    field.setAttribute("aria-invalid", "true");
    field.after(node);
  }
  if (!placed.length || others.length) {
    const node = message([problem.message, ...others].join(" "), !placed.length && problem.trace);
    node.setAttribute("role", "alert");
    form.before(node);
  }
  if (placed.length) fieldOf(placed[0]).focus();
}

function showUser(user) {
  const cells = Object.entries(user).flatMap(([name, value]) => {
    const term = Object.assign(document.createElement("dt"), { textContent: name.replaceAll("_", " ") });
    const text = Array.isArray(value) ? value.join(", ") || "none" : String(value ?? "not set");
    return [term, Object.assign(document.createElement("dd"), { textContent: text })];
  });
  at("me").replaceChildren(...cells);
}

// ── What the forms do ──

/** Runs an action when a form is submitted, one at a time, and shows the problem if it ends in one. */
function onSubmit(id, action) {
  const form = at(id);
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    clearProblems();
    tell("");
    try {
      await action(Object.fromEntries(new FormData(form)));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (tokens && problem.status === 401) showGuest(`Your session has ended. ${problem.message}`);
      else showProblem(form, problem);
    } finally {
      button.disabled = false;
    }
  });
}

function showGuest(text, email = "") {
  tokens = null;
  at("me").replaceChildren();
  show("guest", text);
  at("login-username").value ||= email;
  at(email ? "login-password" : "login-username").focus();
}

async function showAccount(pair) {
  if (pair) {
    tokens = pair;
    const until = new Date(Date.now() + pair.expires_in * 1000).toLocaleTimeString();
    at("session").textContent = `The access token is valid until ${until}. Tokens stay in memory: a reload signs out.`;
  }
  showUser(await call("GET", "/users/me"));
}

onSubmit("register-form", async ({ email, password }) => {
  await call("POST", "/auth/register", { email, password });
  at("register-form").reset();
  at("login-username").value = email;
  tell(`Open the mailbox of ${email}: the link in the mail opens this page again. `
    + "In development no mail leaves the machine: “make run” prints the address of its mailbox.");
});

onSubmit("link-form", async (fields) => {
  const { path, done } = links[location.pathname];
  delete fields.stranger;
  const user = await call("POST", path, { ...fields, token: mailToken });
  mailToken = null;
  at("link-form").reset();
  history.replaceState(null, "", "/");
  showGuest(done, user?.email);
});

onSubmit("forgot-form", async ({ email }) => {
  await call("POST", "/auth/forgot-password", { email });
  at("forgot-form").reset();
  tell(`If there is an account with the address ${email}, a mail with a link is on its way.`);
});

onSubmit("login-form", async (fields) => {
  await showAccount(await call("POST", "/auth/jwt/login", new URLSearchParams(fields)));
  at("login-form").reset();
  show("account");
  at("account").querySelector("h2").focus();
});

onSubmit("me-form", () => showAccount());

onSubmit("refresh-form", async () => {
  await showAccount(await call("POST", "/auth/refresh", { refresh_token: tokens.refresh_token }));
  tell("The session has a new pair of tokens.");
});

onSubmit("logout-form", async () => {
  await call("POST", "/auth/jwt/logout");
  showGuest("You are signed out.");
});

/** Opens what the address asks for. The token leaves the address bar at once, and so the history, before any click. */
function open() {
  if (location.pathname === "/forgot-password") return show("forgot");
  const link = links[location.pathname];
  if (!link) return show(tokens ? "account" : "guest");
  mailToken = new URLSearchParams(location.hash.slice(1)).get("token") ?? mailToken;
  history.replaceState(null, "", location.pathname);
  if (!mailToken) {
    return show("guest", "This page needs the token of a link in a mail. Open the link again.");
  }
  at("link").querySelector("h2").textContent = link.title;
  at("link").querySelector("button").textContent = link.button;
  at("link-text").textContent = link.text;
  at("link-stranger").hidden = link.password !== "optional";
  at("link-form").reset();
  choosePassword(link.password === true);
  clearProblems();
  show("link");
  if (link.password === "optional") tellOpening();
}

function choosePassword(wanted) {
  at("link-new").hidden = at("link-password").disabled = !wanted;
}

/** Says when and from where the account was opened that the link is to confirm. The token is not spent by it. */
async function tellOpening() {
  at("link-opened-by-another").onchange = (event) => choosePassword(event.target.checked);
  try {
    const { created_at, address, browser, system } = await call("POST", "/auth/verify/opening", { token: mailToken });
    const where = [browser, system, address].map((each) => each ?? "unknown").join(", ");
    at("link-text").textContent += ` The account was opened on ${new Date(created_at).toLocaleString()} (${where}).`;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    showProblem(at("link-form"), problem);
  }
}

addEventListener("hashchange", open); // another link from a mail, opened in the same tab
open();
