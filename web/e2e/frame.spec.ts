import { expect, test } from './fixtures';

const UNAVAILABLE = JSON.stringify({ code: 'UNAVAILABLE', detail: 'Not available.', trace_id: 'abc' });
const LIST = '**/api/sessions';

test('a session that ended sends each tab to sign in, and each returns to its page', async ({
  context,
  page,
  person,
  watch,
}) => {
  watch.expect(/status of 401/);
  const second = await context.newPage();
  await page.goto('/account/sessions?tab=1');
  await second.goto('/account/sessions?tab=2');
  for (const tab of [page, second]) await expect(tab.getByText('This device')).toBeVisible();
  await context.clearCookies({ name: /__Host-(access|refresh)/ });
  await page.getByRole('button', { name: /^Language/ }).click();
  // A list that the stream has read again may have found out before: then the menu is gone.
  const ended = page.getByText('Your session has ended');
  await page.getByRole('menuitemradio', { name: 'English' }).or(ended).first().click();
  for (const tab of [page, second]) await expect(tab.getByText('Your session has ended')).toBeVisible();
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL('/account/sessions?tab=1');
  await expect(second).toHaveURL('/account/sessions?tab=2');
});

test('another person who signs in replaces the first one in all tabs', async ({
  context,
  page,
  person,
  account,
  signIn,
}) => {
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
  await signIn(account);
  const second = await context.newPage();
  await second.goto('/account/sessions');
  await second.evaluate(() => new BroadcastChannel('session').postMessage('signed-in'));
  await expect(page.getByRole('button', { name: account.email })).toBeVisible();
  await expect(page.getByText(person.email)).toHaveCount(0);
});

test('a page of the back/forward cache shows nothing of a session that has ended', async ({
  context,
  page,
  person,
  watch,
}) => {
  watch.expect(/status of 401/); // this page runs on, unlike one in the cache, and may read its list
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await expect(page.getByText('This device')).toBeHidden();
  await context.clearCookies();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expect(page.getByText('Your session has ended')).toBeVisible();
});

test('the session is renewed whatever an earlier clock left behind', async ({ context, page, person }) => {
  await page.addInitScript(() => (document.cookie = 'renewals=99999999999999; path=/'));
  await context.clearCookies({ name: '__Host-access' });
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
});

test('a form sends the same values again after a failure', async ({ page, account, watch }) => {
  watch.expect(/ERR_CONNECTION_REFUSED/);
  await page.route('**/api/auth/cookie/login', (route) => route.abort('connectionrefused'), { times: 1 });
  await page.goto('/sign-in?next=%2F%2Fevil.example');
  await page.getByLabel('E-mail').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  const send = page.getByRole('button', { name: 'Sign in' });
  await send.click();
  await expect(page.getByRole('alert')).toBeFocused();
  await send.click();
  await expect(page.getByRole('button', { name: account.email })).toBeVisible();
});

test('an error shows that the server is not available at first, and the page opens by itself later', async ({
  page,
  person,
  watch,
}) => {
  watch.expect(/status of 503/);
  const answer = { status: 503, contentType: 'application/problem+json', body: UNAVAILABLE };
  await page.route('**/api/auth/session', (route) => route.fulfill(answer));
  await page.goto('/account/sessions');
  await expect(page.getByRole('heading', { name: 'The server is not available' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await page.unroute('**/api/auth/session');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
});

test('a read that alone gets no answer ends with an error', async ({ page, person, watch }) => {
  watch.expect(/ERR_CONNECTION_RESET/);
  let sent = 0;
  await page.route(LIST, (route) => {
    sent += 1;
    return route.abort('connectionreset');
  });
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
  const retry = page.getByRole('button', { name: 'Try again' });
  await expect(retry).toBeVisible({ timeout: 30_000 });
  expect(sent).toBeLessThan(8);
  await page.unroute(LIST);
  await retry.click();
  await expect(page.getByText('This device')).toBeVisible();
});

test('a proxy that reaches no server counts as no connection', async ({ page, person, watch }) => {
  watch.expect(/status of 502/);
  let asked = 0;
  await page.route('**/api/**', (route) => {
    asked += 1;
    return route.fulfill({ status: 502, body: '<html>Bad gateway</html>' });
  });
  await page.goto('/account/sessions');
  const now = page.getByRole('button', { name: 'Try now' });
  await expect(now).toBeVisible();
  const before = asked;
  await now.click();
  await expect.poll(() => asked).toBeGreaterThan(before);
  await page.unroute('**/api/**'); // the page recovers by itself, so that the button may be gone
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
});

test('a browser that refuses storage shows the application', async ({ page, person }) => {
  await page.addInitScript(() => {
    const get = () => {
      throw new DOMException('blocked', 'SecurityError');
    };
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, { get, configurable: true });
  });
  await page.goto('/account/sessions');
  await expect(page.getByRole('button', { name: person.email })).toBeVisible();
});

for (const path of ['/%', '/x?y=%E0%A4%A']) {
  test(`the malformed address ${path} is that of no page`, async ({ page, person }) => {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: 'Page not found', level: 1 })).toBeVisible();
    await expect(page.getByRole('button', { name: person.email })).toBeVisible();
  });
}
