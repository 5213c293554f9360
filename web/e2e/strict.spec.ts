import { expect, test as base } from './fixtures';
import { RunningStack, type Stack } from './stack';

/** Tests on a stack where accounts need a confirmed address and guesses are limited, as in production. */
const test = base.extend<object, { stack: Stack }>({
  stack: [
    async ({}, use) => {
      const strict = await RunningStack.start('strict', {
        REQUIRE_VERIFICATION: 'true',
        RATE_LIMIT_CREDENTIALS: '1',
      });
      await use(strict.stack);
      await strict.stop();
    },
    { scope: 'worker', timeout: 240_000 },
  ],
});

test.describe.configure({ mode: 'default' }); // one worker, and so one stack

test('signing in with an address that is not confirmed offers the link again', async ({
  page,
  people,
  mailbox,
  watch,
}) => {
  watch.expect(/status of 400 .*login/);
  const account = await people.open({ verified: false });
  const first = await mailbox.link(account.email, 'verify');
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(account.email);
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('Confirm your address first');
  await page.getByRole('button', { name: 'Send the link again' }).click();
  await expect(page.getByRole('alert')).toContainText(account.email);
  await page.goto(await mailbox.link(account.email, 'verify', first));
  await page.getByRole('button', { name: 'Confirm the address' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Password', { exact: true }).fill(account.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).not.toHaveURL(/sign-in/);
});

test('too many wrong passwords say when to try again', async ({ page, people, watch }) => {
  watch.expect(/status of 4(00|29) .*login/);
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(people.address());
  const attempt = async (password: string) => {
    await page.getByLabel('Password', { exact: true }).fill(password);
    const answer = page.waitForResponse(/login/);
    await page.getByRole('button', { name: 'Sign in' }).click();
    return (await answer).status();
  };
  for (const guess of ['one', 'two', 'three', 'four', 'five']) expect(await attempt(guess)).toBe(400);
  await expect(page.getByRole('alert')).toContainText('The e-mail address or password is wrong.');
  expect(await attempt('six')).toBe(429);
  await expect(page.getByRole('alert')).toContainText(/^Too many attempts\. Try again in \d+ minutes\./);
});
